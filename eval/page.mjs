// The part of `npm run eval` that runs in the browser, on the built library: loads one model once and asks it
// questions. Exchanges plain data with the part in Node (browser.ts); judges nothing.

/** Number of kept pictures; questions on one picture follow each other. */
const KEPT_PICTURES = 8;

/** @type {import("../src/api.ts").FoveaModel | undefined} */
let fovea;
let isOnServer = false;
/** @type {Map<string, Promise<Blob>>} address -> picture, so that each is fetched once */
const pictures = new Map();

/**
 * Loads the library and the model, or connects to the model's server.
 * @param {{ library: string, model: string, weights: import("./options.mjs").WeightsOption, server?: PageServer }} addresses
 * @typedef {{ baseURL: string, apiKey: string | undefined }} PageServer
 */
export async function load({ library, model, weights, server }) {
  const start = performance.now();
  if (server) {
    /** @type {typeof import("../src/remote/index.ts")} */
    const { createRemote } = await import(library.replace("index.js", "remote.js"));
    const { baseURL, apiKey } = server;
    const remote = createRemote({ baseURL, model, ...(apiKey && { apiKey }) });
    await remote.connect();
    fovea = remote;
    isOnServer = true;
  } else {
    /** @type {typeof import("../src/index.ts")} */
    const { Fovea } = await import(library);
    fovea = await Fovea.load(model, { weights });
  }
  return { info: fovea.info, milliseconds: performance.now() - start };
}

/**
 * A question. The picture, if any, precedes the first message's text.
 * @typedef {object} PageQuestion
 * @property {string | undefined} picture its address
 * @property {{ role: "user" | "assistant", text: string }[]} messages
 * @property {import("../src/api.ts").Compression} compression
 * @property {import("../src/api.ts").Inhibition} inhibition
 * @property {number} maxTokens
 */

/**
 * @param {PageQuestion} question
 */
export async function ask({ picture, messages, compression, inhibition, maxTokens }) {
  if (!fovea) throw new Error("no model is loaded yet");
  const image = picture === undefined ? undefined : await fetchPicture(picture);
  /** @type {import("../src/api.ts").Message[]} */
  const asked = messages.map(({ role, text }, i) => ({
    role,
    content:
      image && i === 0
        ? [
            { type: "image", image },
            { type: "text", text },
          ]
        : text,
  }));
  // A server has its own preprocessing, and samples by default.
  const reading = isOnServer ? { temperature: 0 } : { compression, inhibition };
  let text = "";
  for await (const event of fovea.generate({ messages: asked, maxTokens, ...reading })) {
    if (event.type === "text") text += event.text;
    if (event.type === "done") return { text, reason: event.reason, stats: event.stats };
  }
  throw new Error("the answer ended without its last event");
}

/** @param {string} address */
function fetchPicture(address) {
  const known = pictures.get(address);
  if (known) return known;
  const blob = fetch(address).then(async (response) => {
    // The part in Node reports the unreadable picture and the reason.
    if (response.status === 500) throw new Error(await response.text());
    if (!response.ok) throw new Error(`${address}: HTTP ${response.status}`);
    return response.blob();
  });
  pictures.set(address, blob);
  if (pictures.size > KEPT_PICTURES) pictures.delete(pictures.keys().next().value ?? "");
  return blob;
}
