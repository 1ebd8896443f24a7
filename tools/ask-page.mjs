// The part of `npm run ask` that runs in the browser, on the built library. Exchanges plain data with Node.

/**
 * @typedef {object} PageRequest
 * @property {string} library address of the built library
 * @property {string} model
 * @property {string | undefined} variant
 * @property {string | undefined} hubToken
 * @property {{ name: string, url: string }[]} images
 * @property {string | undefined} prompt
 * @property {import("../src/api.ts").Compression | undefined} compression
 * @property {import("../src/api.ts").Inhibition | undefined} inhibition
 * @property {number | undefined} maxTokens
 * @property {Pick<import("../src/api.ts").GenerateRequest, "format" | "temperature" | "seed" | "stop" | "topLogprobs">} [more]
 */

/**
 * Events for the terminal.
 * @typedef {{ type: "load", loadedBytes: number, totalBytes: number } | { type: "text", text: string }} PageEvent
 */

/**
 * @typedef {object} PageResult
 * @property {import("../src/api.ts").ModelInfo} model
 * @property {number} loadMilliseconds
 * @property {{ file: string, tokens: number, milliseconds: number }[]} images
 * @property {string} [answer]
 * @property {{ text: string, logprob: number, top: { text: string, logprob: number }[] }[]} [tokens]
 * @property {"stop" | "length" | "abort"} [reason]
 * @property {import("../src/api.ts").GenerationStats} [stats]
 * @property {NonNullable<import("../src/api.ts").ImageFeatures["classes"]>} [classes] of the first picture
 */

/**
 * @param {PageRequest} request
 * @param {(event: PageEvent) => Promise<void>} emit
 * @returns {Promise<PageResult>}
 */
export async function ask(request, emit) {
  /** @type {typeof import("../src/index.ts")} */
  const { Fovea } = await import(request.library);
  const start = performance.now();
  const fovea = await Fovea.load(request.model, {
    // The browser's storage is deleted when the command ends.
    cache: "none",
    ...(request.hubToken && { hubToken: request.hubToken }),
    ...(request.variant && { variant: request.variant }),
    onProgress: ({ stage, loadedBytes, totalBytes }) => {
      if (stage === "weights") void emit({ type: "load", loadedBytes, totalBytes });
    },
  });
  try {
    const result = { model: fovea.info, loadMilliseconds: performance.now() - start };
    const images = await Promise.all(request.images.map(fetchPicture));
    const isClassifier = fovea.info.contextLength === 0;
    return {
      ...result,
      ...(isClassifier ? await classify(fovea, request, images) : await answer(fovea, request, images, emit)),
    };
  } finally {
    fovea.dispose();
  }
}

/** @param {{ name: string, url: string }} image */
async function fetchPicture({ name, url }) {
  const response = await fetch(url);
  return new File([await response.blob()], name);
}

/**
 * @param {import("../src/index.ts").Fovea} fovea
 * @param {PageRequest} request
 * @param {File[]} images
 */
async function classify(fovea, { prompt, compression }, images) {
  const [image] = images;
  if (prompt !== undefined) throw new Error("this model is a classifier; leave out --prompt and pass one --image");
  if (!image || images.length > 1) throw new Error(`a classifier takes one --image, got ${images.length}`);
  const { features, classes, milliseconds } = await fovea.encodeImage(image, compression ? { compression } : {});
  if (!classes) throw new Error("this model is an encoder without classes and cannot answer; choose another model");
  return { images: [{ file: image.name, tokens: features.rows, milliseconds }], classes };
}

/**
 * @param {import("../src/index.ts").Fovea} fovea
 * @param {PageRequest} request
 * @param {File[]} pictures
 * @param {(event: PageEvent) => Promise<void>} emit
 */
async function answer(fovea, { prompt, compression, inhibition, maxTokens, more }, pictures, emit) {
  if (prompt === undefined) throw new Error("--prompt is missing; write a question");
  /** @type {import("../src/api.ts").MessagePart[]} */
  const content = [
    ...pictures.map((image) => /** @type {const} */ ({ type: "image", image })),
    { type: "text", text: prompt },
  ];
  const generation = fovea.generate({
    messages: [{ role: "user", content }],
    ...(compression && { compression }),
    ...(inhibition && { inhibition }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...more,
  });
  /** @type {PageResult["images"]} */
  const images = [];
  let text = "";
  /** @type {{ text: string, logprob: number, top: { text: string, logprob: number }[] }[]} */
  const tokens = [];
  for await (const event of generation) {
    if (event.type === "image")
      images.push({ file: pictures[event.index]?.name ?? "", tokens: event.tokens, milliseconds: event.milliseconds });
    if (event.type === "logprobs") tokens.push(...event.tokens.map(plainToken));
    if (event.type === "text") {
      text += event.text;
      await emit(event);
    }
    if (event.type === "done")
      return { images, answer: text, reason: event.reason, stats: event.stats, ...(tokens.length > 0 && { tokens }) };
  }
  throw new Error("the answer ended without its done event");
}

/** @param {import("../src/api.ts").AnswerToken} token */
function plainToken({ text, logprob, top }) {
  return { text, logprob, top: top.map((other) => ({ text: other.text, logprob: other.logprob })) };
}
