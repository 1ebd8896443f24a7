// Fovea's part of the benchmark of a published model: runs in the browser, on the built library. wllama-page.mjs has the
// same functions.
import { installTiming, startTiming, stopTiming } from "./kernel-times.mjs";

/** Positions in the cache, of both engines. */
const CONTEXT = 512;

/**
 * @typedef {object} Asked
 * @property {number} firstMs milliseconds to the first piece of text
 * @property {number} totalMs
 * @property {number} promptTokens
 * @property {number} ranTokens those of the prompt that ran
 * @property {number} newTokens
 * @property {string} text
 */

/** @type {import("../../src/index.ts").Fovea | undefined} */
let fovea;

/** @param {{ library: string, model: string, kernels?: boolean }} request */
export async function load({ library, model, kernels = false }) {
  if (kernels) installTiming();
  /** @type {typeof import("../../src/index.ts")} */
  const { Fovea } = await import(library);
  const start = performance.now();
  fovea = await Fovea.load(model, { cache: "none", maxContext: CONTEXT });
  const { adapter, weights, weightBytes } = fovea.info;
  return {
    ms: performance.now() - start,
    about: `${weights} on ${adapter}`,
    weightBytes,
    gpuBytes: fovea.memory.gpuBytes,
  };
}

/**
 * Loads through the store, twice, and compares the second time with reading and hashing the same bytes from the same disk.
 * @param {{ library: string, model: string, rounds: number }} request
 */
export async function loadFromDisk({ library, model, rounds }) {
  /** @type {typeof import("../../src/index.ts")} */
  const { Fovea } = await import(library);
  const loaded = async () => {
    const start = performance.now();
    const own = await Fovea.load(model, { cache: "opfs", maxContext: CONTEXT });
    const ms = performance.now() - start;
    own.dispose();
    return ms;
  };
  const firstMs = await loaded();
  const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
  const folder = await navigator.storage.getDirectory();
  const file = await folder.getFileHandle("fovea-bench", { create: true });
  const writable = await file.createWritable();
  await writable.write(bytes);
  await writable.close();
  /** @type {{ loadMs: number, readMs: number }[]} */
  const again = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await readAndHash(await file.getFile());
    const readMs = performance.now() - start;
    again.push({ readMs, loadMs: await loaded() });
  }
  await folder.removeEntry("fovea-bench");
  return { firstMs, again, byteLength: bytes.byteLength };
}

/** Reads parts of the store's length, each while the previous one is hashed. @param {File} file */
async function readAndHash(file) {
  const partBytes = 4 << 20;
  let hashing = Promise.resolve(new ArrayBuffer(0));
  for (let at = 0; at < file.size; at += partBytes) {
    const part = await file.slice(at, at + partBytes).arrayBuffer();
    await hashing;
    hashing = crypto.subtle.digest("SHA-256", part);
  }
  await hashing;
}

/**
 * A question of `rows` tokens in the model's prompt: its number, then filler words.
 * @param {{ rows: number, number: number }} request
 * @returns {Promise<{ role: "user" | "system", content: string }[]>}
 */
export async function question({ rows, number }) {
  for (let words = 0; words <= rows; words++) {
    /** @type {{ role: "user" | "system", content: string }[]} */
    const messages = [
      { role: "system", content: `${number} stories${" and".repeat(words)}` },
      { role: "user", content: "Tell me a long story about a ship in the ice." },
    ];
    const { promptTokens } = await loaded().countTokens(messages);
    if (promptTokens === rows) return messages;
  }
  throw new Error(`no question has ${rows} tokens`);
}

/**
 * @param {{ messages: { role: "user" | "system", content: string }[], maxTokens: number }} request
 * @returns {Promise<Asked>}
 */
export async function ask({ messages, maxTokens }) {
  const start = performance.now();
  let text = "";
  let firstMs = 0;
  for await (const event of loaded().generate({ messages, maxTokens, temperature: 0 })) {
    if (event.type === "text") {
      firstMs ||= performance.now() - start;
      text += event.text;
    }
    if (event.type !== "done") continue;
    const { promptTokens, reusedTokens, newTokens } = event.stats;
    const totalMs = performance.now() - start;
    return {
      firstMs: firstMs || totalMs,
      totalMs,
      promptTokens,
      ranTokens: promptTokens - reusedTokens,
      newTokens,
      text,
    };
  }
  throw new Error("the answer ended without its last event");
}

/**
 * GPU milliseconds of each kernel, of the prefill and one token, and of one token more.
 * @param {{ messages: { role: "user" | "system", content: string }[] }} request
 */
export async function kernelTimes({ messages }) {
  const timed = async (/** @type {number} */ maxTokens) => {
    startTiming();
    const asked = await ask({ messages, maxTokens });
    return { asked, times: await stopTiming() };
  };
  const prefill = await timed(1);
  // The cache holds the prompt except its last row, which is a token like those that follow.
  const tokens = await timed(4);
  return { prefill, tokens };
}

/**
 * Bytes of scripts and their memory, or undefined if the browser does not report it. @returns {Promise<number |
 * undefined>}
 */
export async function heapBytes() {
  const measure = Reflect.get(performance, "measureUserAgentSpecificMemory");
  return measure ? (await measure.call(performance)).bytes : undefined;
}

/** Frees the model, if one is loaded. */
export function dispose() {
  fovea?.dispose();
}

function loaded() {
  if (!fovea) throw new Error("no model is loaded yet");
  return fovea;
}
