// The part of the benchmark of whole checkpoints that runs in the browser, on the built library: plans, loads, asks once,
// and counts what reaches the GPU. Speaks plain data with the part in Node (main.ts).

/**
 * @typedef {object} PageRun
 * @property {string} library address of the built library
 * @property {string} model address of the checkpoint's folder
 * @property {string} picture address of a picture
 * @property {{ width: number, height: number } | undefined} pictureSize of a picture to draw instead
 * @property {"auto" | "f32" | "f16" | "q8" | "q4"} weights
 * @property {number | undefined} context
 * @property {number | undefined} tokens
 * @property {number[] | undefined} stages blocks that compress, where the encoder is too short for the usual three
 * @property {number} maxTokens
 */

/** Work by the label of its compute pass. @type {Record<string, { passes: number, dispatches: number }>} */
const work = {};
let submits = 0;

function countWork() {
  /** @type {WeakMap<GPUComputePassEncoder, { passes: number, dispatches: number }>} */
  const counts = new WeakMap();
  const { beginComputePass } = GPUCommandEncoder.prototype;
  GPUCommandEncoder.prototype.beginComputePass = function (descriptor) {
    const pass = beginComputePass.call(this, descriptor);
    work[descriptor?.label ?? ""] ??= { passes: 0, dispatches: 0 };
    const count = /** @type {{ passes: number, dispatches: number }} */ (work[descriptor?.label ?? ""]);
    count.passes++;
    counts.set(pass, count);
    return pass;
  };
  const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...args) {
    const count = counts.get(this);
    if (count) count.dispatches++;
    return dispatchWorkgroups.apply(this, args);
  };
  const { submit } = GPUQueue.prototype;
  GPUQueue.prototype.submit = function (buffers) {
    // Empty ones only poll.
    if ([...buffers].length > 0) submits++;
    return submit.call(this, buffers);
  };
}

/** @type {import("../../src/index.ts").Fovea | undefined} */
let fovea;

/** @param {PageRun} run */
export async function plan({ library, model, weights, context }) {
  /** @type {typeof import("../../src/index.ts")} */
  const { planModel } = await import(library);
  return planModel(model, { cache: "none", weights, ...(context !== undefined && { maxContext: context }) });
}

/** @param {PageRun} run */
export async function load({ library, model, weights, context }) {
  countWork();
  /** @type {typeof import("../../src/index.ts")} */
  const { Fovea } = await import(library);
  const start = performance.now();
  /** When each stage began. @type {Record<string, number>} */
  const stages = {};
  fovea = await Fovea.load(model, {
    cache: "none",
    weights,
    ...(context !== undefined && { maxContext: context }),
    onProgress: ({ stage }) => {
      stages[stage] ??= performance.now() - start;
    },
  });
  return { info: fovea.info, memory: fovea.memory, milliseconds: performance.now() - start, stages };
}

/** @param {PageRun} run */
export async function ask({ picture, pictureSize, tokens, stages, maxTokens }) {
  if (!fovea) throw new Error("no model is loaded yet");
  for (const label of Object.keys(work)) delete work[label];
  submits = 0;
  const image = pictureSize ? draw(pictureSize) : await (await fetch(picture)).blob();
  const generation = fovea.generate({
    messages: [
      {
        role: "user",
        content: [
          { type: "image", image },
          { type: "text", text: "What is in this picture?" },
        ],
      },
    ],
    ...(tokens !== undefined && { compression: { method: "vmtc", tokens, ...(stages && { blocks: stages }) } }),
    maxTokens,
  });
  let text = "";
  /** Milliseconds at which each piece of text came. @type {number[]} */
  const times = [];
  const start = performance.now();
  for await (const event of generation) {
    if (event.type === "text") {
      text += event.text;
      times.push(performance.now() - start);
    }
    if (event.type === "done")
      return { text, times, reason: event.reason, stats: event.stats, memory: fovea.memory, work, submits };
  }
  throw new Error("the answer ended without its last event");
}

/** Discs of all colours on a gradient. @param {{ width: number, height: number }} size */
function draw({ width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const gradient = context.createLinearGradient(0, 0, width, height);
  gradient.addColorStop(0, "navy");
  gradient.addColorStop(1, "khaki");
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
  for (let i = 0; i < 60; i++) {
    context.fillStyle = `hsl(${47 * i} 80% 50%)`;
    context.beginPath();
    context.arc((width * ((37 * i) % 60)) / 60, (height * ((23 * i) % 59)) / 59, height / 20, 0, 2 * Math.PI);
    context.fill();
  }
  return canvas;
}

/** Frees the model of the page, if one is loaded. */
export function dispose() {
  fovea?.dispose();
}
