// The part of `npm run ask` that runs in the browser, on the built library. Exchanges plain data with Node.

/**
 * @typedef {object} PageRequest
 * @property {string} library address of the built library
 * @property {string} model
 * @property {{ baseURL: string, apiKey: string | undefined }} [server]
 * @property {string | undefined} variant
 * @property {string | undefined} hubToken
 * @property {string | undefined} hubUrl
 * @property {{ name: string, url: string }[]} images
 * @property {string | undefined} pages of PDFs among them
 * @property {{ name: string, url: string }[]} [videos]
 * @property {number | undefined} [frames] of each video at most
 * @property {string | undefined} prompt
 * @property {import("../src/api.ts").Compression | undefined} compression
 * @property {import("../src/api.ts").Inhibition | undefined} inhibition
 * @property {number | undefined} maxTokens
 * @property {import("./ask-answer-options.mjs").AnswerOptions} [answer]
 */

/**
 * Events for the terminal.
 * @typedef {{ type: "load", loadedBytes: number, totalBytes: number } | { type: "text", text: string }
 *   | { type: "note", text: string }} PageEvent
 */

/**
 * @typedef {object} PageResult
 * @property {import("../src/api.ts").ModelInfo} model
 * @property {number} loadMilliseconds
 * @property {{ file: string, tokens: number, milliseconds: number }[]} images also those of videos
 * @property {string} [answer]
 * @property {import("../src/api.ts").ToolCall[]} [toolCalls]
 * @property {string[]} [problems] of calls that broke
 * @property {Answer[]} [answers] all answers, if there are several
 * @property {{ text: string, logprob: number, top: { text: string, logprob: number }[] }[]} [tokens]
 * @property {"stop" | "length" | "abort"} [reason]
 * @property {import("../src/api.ts").GenerationStats} [stats]
 * @property {NonNullable<import("../src/api.ts").ImageFeatures["classes"]>} [classes] of the first picture
 */

/** @typedef {Pick<PageResult, "answer" | "toolCalls" | "problems" | "tokens" | "reason" | "stats">} Answer */

/**
 * @param {PageRequest} request
 * @param {(event: PageEvent) => Promise<void>} emit
 * @returns {Promise<PageResult>}
 */
export async function ask(request, emit) {
  const start = performance.now();
  const fovea = request.server ? await connect(request, request.server) : await load(request, emit);
  try {
    const result = { model: fovea.info, loadMilliseconds: performance.now() - start };
    const { note } = fovea.info;
    if (note && request.images.length > 0) await emit({ type: "note", text: `${request.model}: ${note}` });
    const images = (await Promise.all(request.images.map((image) => fetchPictures(request, image, emit)))).flat();
    const videos = await Promise.all((request.videos ?? []).map(fetchFile));
    const isClassifier = fovea.info.contextLength === 0 && !fovea.info.canGenerate;
    return {
      ...result,
      ...(isClassifier
        ? await classify(fovea, request, images, videos)
        : await answer(fovea, request, { images, videos }, emit)),
    };
  } finally {
    fovea.dispose();
  }
}

/**
 * @param {PageRequest} request
 * @param {NonNullable<PageRequest["server"]>} server
 */
async function connect({ library, model }, { baseURL, apiKey }) {
  /** @type {typeof import("../src/remote/index.ts")} */
  const { createRemote } = await import(library.replace("index.js", "remote.js"));
  const remote = createRemote({ baseURL, model, ...(apiKey && { apiKey }) });
  await remote.connect();
  return remote;
}

/**
 * @param {PageRequest} request
 * @param {(event: PageEvent) => Promise<void>} emit
 */
async function load(request, emit) {
  /** @type {typeof import("../src/index.ts")} */
  const { Fovea } = await import(request.library);
  return Fovea.load(request.model, {
    ...access(request),
    ...(request.variant && { variant: request.variant }),
    onProgress: ({ type, message, stage, loadedBytes, totalBytes }) => {
      if (type === "warning") void emit({ type: "note", text: message ?? "" });
      else if (stage === "weights") void emit({ type: "load", loadedBytes, totalBytes });
    },
  });
}

/** @param {Pick<PageRequest, "hubToken" | "hubUrl">} request */
function access({ hubToken, hubUrl }) {
  // The browser's storage is deleted when the command ends.
  return { cache: /** @type {const} */ ("none"), ...(hubToken && { hubToken }), ...(hubUrl && { hubUrl }) };
}

/**
 * The quantisations of a model, and the default among them.
 * @param {PageRequest} request
 * @returns {Promise<import("./variants.mjs").ListedVariant[]>}
 */
export async function listVariants(request) {
  /** @type {typeof import("../src/index.ts")} */
  const { planModel } = await import(request.library);
  const { variants = [], files } = await planModel(request.model, access(request));
  return variants.map((variant) => ({ ...variant, chosen: files.some(({ name }) => name === variant.file) }));
}

/** @param {{ name: string, url: string }} file */
async function fetchFile({ name, url }) {
  const response = await fetch(url);
  return new File([await response.blob()], name);
}

/**
 * A picture, or the pages of a PDF.
 * @param {PageRequest} request
 * @param {{ name: string, url: string }} image
 * @param {(event: PageEvent) => Promise<void>} emit
 * @returns {Promise<File[]>}
 */
async function fetchPictures({ library, pages }, { name, url }, emit) {
  const file = await fetchFile({ name, url });
  if (!/\.pdf$/i.test(name)) return [file];
  /** @type {typeof import("../src/index.ts")} */
  const { pdfPages } = await import(library);
  const found = await pdfPages(file, { ...(pages && { pages }) });
  for (const { page, problems } of found)
    if (problems) await emit({ type: "note", text: `${name}, page ${page}: parts could not be drawn (${problems})` });
  return found.map(({ image }) => image);
}

/**
 * @param {import("../src/api.ts").FoveaModel} fovea
 * @param {PageRequest} request
 * @param {File[]} images
 * @param {File[]} videos
 */
async function classify(fovea, { prompt, compression }, images, videos) {
  const [image] = images;
  if (videos.length > 0) throw new Error("a classifier reads no videos; leave out --video and pass one --image");
  if (prompt !== undefined) throw new Error("this model is a classifier; leave out --prompt and pass one --image");
  if (!image || images.length > 1) throw new Error(`a classifier takes one --image, got ${images.length}`);
  const { features, classes, milliseconds } = await fovea.encodeImage(image, compression ? { compression } : {});
  if (!classes) throw new Error("this model is an encoder without classes and cannot answer; choose another model");
  return { images: [{ file: image.name, tokens: features.rows, milliseconds }], classes };
}

/**
 * @param {import("../src/api.ts").FoveaModel} fovea
 * @param {PageRequest} request
 * @param {{ images: File[], videos: File[] }} files
 * @param {(event: PageEvent) => Promise<void>} emit
 */
async function answer(fovea, request, { images: pictures, videos }, emit) {
  const { prompt, compression, inhibition, maxTokens, frames, answer: given = {} } = request;
  if (prompt === undefined) throw new Error("--prompt is missing; write a question");
  /** @type {import("../src/api.ts").MessagePart[]} */
  const content = [
    ...pictures.map((image) => /** @type {const} */ ({ type: "image", image })),
    ...videos.map((video) => /** @type {const} */ ({ type: "video", video, ...(frames !== undefined && { frames }) })),
    { type: "text", text: prompt },
  ];
  const { answers: count = 1, ...fields } = given;
  /** @type {PageResult["images"]} */
  const images = [];
  /** @type {Answer[]} */
  const answers = [];
  for (let i = 0; i < count; i++) {
    if (i > 0) await emit({ type: "text", text: "\n\n" });
    const generation = fovea.generate({
      messages: [{ role: "user", content }],
      ...(compression && { compression }),
      ...(inhibition && { inhibition }),
      ...(maxTokens !== undefined && { maxTokens }),
      ...fields,
      ...(i > 0 && { seed: (fields.seed ?? 0) + i }),
    });
    answers.push(
      await readAnswer(generation, emit, ({ index, tokens, milliseconds }) => {
        // Of several videos, events do not say whose a picture is.
        const { name } = pictures[index] ?? (videos.length === 1 ? videos[0] : undefined) ?? { name: "" };
        images[index] ??= { file: name, tokens, milliseconds };
      }),
    );
  }
  return { images, ...answers[0], ...(count > 1 && { answers }) };
}

/**
 * @param {import("../src/api.ts").Generation} generation
 * @param {(event: PageEvent) => Promise<void>} emit
 * @param {(event: Extract<import("../src/api.ts").GenerationEvent, { type: "image" }>) => void} onImage
 * @returns {Promise<Answer>}
 */
async function readAnswer(generation, emit, onImage) {
  let answer = "";
  /** @type {NonNullable<PageResult["tokens"]>} */
  const tokens = [];
  /** @type {string[]} */
  const problems = [];
  for await (const event of generation) {
    if (event.type === "image") onImage(event);
    if (event.type === "logprobs") tokens.push(...event.tokens.map(plainToken));
    if (event.type === "tool-problem") problems.push(event.message);
    if (event.type === "text") {
      answer += event.text;
      await emit(event);
    }
    if (event.type !== "done") continue;
    const { reason, stats, toolCalls } = event;
    for (const { function: call } of toolCalls ?? [])
      await emit({ type: "text", text: `${call.name} ${call.arguments}\n` });
    return {
      answer,
      reason,
      stats,
      ...(tokens.length > 0 && { tokens }),
      ...(toolCalls && { toolCalls }),
      ...(problems.length > 0 && { problems }),
    };
  }
  throw new Error("the answer ended without its done event");
}

/** @param {import("../src/api.ts").AnswerToken} token */
function plainToken({ text, logprob, top }) {
  return { text, logprob, top: top.map((other) => ({ text: other.text, logprob: other.logprob })) };
}
