// The peer's part of the benchmark of a published model: llama.cpp as WebAssembly, by its package wllama. The functions are
// those of fovea-page.mjs.

const CONTEXT = 512;

/** The few members of the package that are used. @typedef {{
 *   isMultithread(): boolean, getNumThreads(): number, exit(): Promise<void>,
 *   loadModelFromUrl(url: string, options: object): Promise<void>,
 *   createChatCompletion(request: object): Promise<AsyncIterable<Chunk>>,
 * }} Wllama
 * @typedef {{ choices: { delta: { content?: string | null } }[], usage?: { prompt_tokens: number, completion_tokens: number },
 *   timings?: { prompt_n: number, predicted_n: number } }} Chunk
 */

/** @type {Wllama | undefined} */
let wllama;

/** @param {{ package: string, model: string, webgpu: boolean }} request `package` is the address of its folder */
export async function load({ package: folder, model, webgpu }) {
  const { Wllama } = await import(`${folder}index.js`);
  /** @type {string[]} */
  const lines = [];
  const note = (/** @type {unknown[]} */ ...parts) => lines.push(parts.join(" "));
  const logger = { debug: note, log: note, warn: note, error: note };
  wllama = /** @type {Wllama} */ (new Wllama({ default: `${folder}wasm/wllama.wasm` }, { logger }));
  const start = performance.now();
  // Its default number of threads. With all cores of a busy machine it waits for its own threads: 0.3 tokens a second
  // instead of 2.2.
  const options = { useCache: false, n_ctx: CONTEXT, n_gpu_layers: webgpu ? 99 : 0 };
  await wllama.loadModelFromUrl(model, options);
  const ms = performance.now() - start;
  const buffers = lines.filter((line) => /model buffer size/.test(line)).join("; ");
  if (webgpu && !/webgpu/i.test(buffers))
    throw new Error(`it does not use WebGPU here; its log says: ${buffers.trim()}`);
  const about = webgpu ? "WebGPU" : wllama.isMultithread() ? `${wllama.getNumThreads()} threads` : "one thread";
  return { ms, about, weightBytes: 0, gpuBytes: 0 };
}

/**
 * @param {{ messages: { role: string, content: string }[], maxTokens: number }} request
 * @returns {Promise<import("./fovea-page.mjs").Asked>}
 */
export async function ask({ messages, maxTokens }) {
  if (!wllama) throw new Error("no model is loaded yet");
  const start = performance.now();
  let [text, firstMs, promptTokens, newTokens, ranTokens] = ["", 0, 0, 0, 0];
  const answer = await wllama.createChatCompletion({
    ...{ messages, max_tokens: maxTokens, temperature: 0, stream: true, cache_prompt: false },
    stream_options: { include_usage: true },
  });
  for await (const { choices, usage, timings } of answer) {
    const piece = choices[0]?.delta.content;
    if (piece) {
      firstMs ||= performance.now() - start;
      text += piece;
    }
    if (usage) [promptTokens, newTokens] = [usage.prompt_tokens, usage.completion_tokens];
    if (timings) [ranTokens, newTokens] = [timings.prompt_n, timings.predicted_n];
  }
  const totalMs = performance.now() - start;
  return { firstMs: firstMs || totalMs, totalMs, promptTokens: promptTokens || ranTokens, ranTokens, newTokens, text };
}

/** @returns {Promise<number | undefined>} */
export async function heapBytes() {
  const measure = Reflect.get(performance, "measureUserAgentSpecificMemory");
  return measure ? (await measure.call(performance)).bytes : undefined;
}

/** Ends llama.cpp's worker, if it was started. */
export async function dispose() {
  await wllama?.exit();
}
