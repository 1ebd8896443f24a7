/**
 * Trials on the device: is its f16 arithmetic correct, and which variants of the products are fastest? The engine acts
 * on the results; see `Capabilities`.
 */
import type { Gpu } from "../gpu/device.ts";
import { type Capabilities, type Recorder, withCapabilities } from "../gpu/pass.ts";
import { readFloats } from "../gpu/readback.ts";
import { matmul, matmulVariants } from "./matmul.ts";
import { matvec } from "./matvec.ts";
import { GPU_SHAPES } from "./row-product.ts";

/** Sizes that are not multiples of a tile, so that edges are tested too. */
const TRIED = { rows: 70, cols: 130, inner: 100 };
/** Size of the first row of x; the others are below 1. It exceeds f16, which the kernel must detect. */
const TRIED_SIZE = 1e6;
/**
 * Largest error of sums of 100 products, relative to their largest product. Rounding to 11 bits causes about 0.005; a
 * wrong tile is off by several.
 */
const TRIED_ERROR = 0.05;

/**
 * True if the device multiplies in f16 correctly: some drivers have the feature and refuse its shaders, or return zeros
 * or worse.
 */
export async function f16IsCorrect(gpu: Gpu): Promise<boolean> {
  if (!gpu.device.features.has("shader-f16")) return false;
  const { rows, cols, inner } = TRIED;
  // Spread evenly, below 1 and different everywhere.
  const spread = (count: number, step: number) => Float32Array.from({ length: count }, (_, i) => ((i * step) % 2) - 1);
  const [x, weight] = [spread(rows * inner, 0.61803), spread(cols * inner, 0.41421)];
  for (let k = 0; k < inner; k++) x[k]! *= TRIED_SIZE;
  const arena = gpu.arena.scope();
  try {
    const args = {
      x: arena.tensor("tried x", [rows, inner]),
      weight: arena.tensor("tried weight", [cols, inner]),
      y: arena.tensor("tried y", [rows, cols]),
    };
    gpu.upload(args.x, x);
    gpu.upload(args.weight, weight);
    const inF16: Partial<Capabilities> = { f16: "all", fastest: { matmul: "f16 tiles" } };
    const body = (recorder: Recorder) => matmul(withCapabilities(recorder, inF16), args);
    if (!(await gpu.canCompile(body))) return false;
    gpu.submit("f16 self-test", body);
    return isProduct(await readFloats(gpu, args.y), x, weight, inner);
  } finally {
    arena.dispose();
  }
}

/** True if y is x W^T within the precision of f16. @param x [M, K] @param weight [N, K] @param y [M, N] */
export function isProduct(y: Float32Array, x: Float32Array, weight: Float32Array, inner: number): boolean {
  const cols = weight.length / inner;
  return y.every((value, at) => {
    const [row, col] = [Math.floor(at / cols) * inner, (at % cols) * inner];
    let sum = 0;
    let largest = 0;
    for (let k = 0; k < inner; k++) {
      const product = x[row + k]! * weight[col + k]!;
      sum += product;
      largest = Math.max(largest, Math.abs(product));
    }
    return Math.abs(value - sum) <= TRIED_ERROR * largest;
  });
}

/** Rows of a prompt's chunk, and a layer's width: large enough to occupy a GPU, small enough to finish soon. */
const MEASURED = { rows: 128, width: 2048 };
/** A run repeats its work until it takes this long, so that steps of the clock, submit and polling do not matter. */
const LONG_ENOUGH_MS = 8;
const MOST_REPEATS = 128;
/** Runs of each contender. */
const TURNS = 3;

/**
 * Names of the fastest variants on this device, by kernel. A few tenths of a second on a GPU, most of it compilation.
 *
 * @param shapes names of ROW_PRODUCT_SHAPES to choose from
 */
export async function fastestVariants(
  gpu: Gpu,
  { rows, width } = MEASURED,
  shapes: readonly string[] = GPU_SHAPES,
): Promise<Record<string, string>> {
  const arena = gpu.arena.scope();
  try {
    const x = arena.tensor("measured x", [rows, width]);
    const y = arena.tensor("measured y", [rows, width]);
    const weight = arena.tensor("measured weight", [width, width]);
    const row = { x: arena.tensor("measured row", [1, width]), weight, y: arena.tensor("measured row y", [1, width]) };
    const fastest = (kernel: string, names: readonly string[], product: (recorder: Recorder) => void) =>
      fastestOf(
        gpu,
        names.map((name) => ({ name, changes: { f16: "all", fastest: { [kernel]: name } } })),
        product,
      );
    return {
      matmul: await fastest("matmul", matmulVariants(gpu.capabilities), (pass) => matmul(pass, { x, weight, y })),
      matvec: await fastest("matvec", shapes, (pass) => matvec(pass, row)),
    };
  } finally {
    arena.dispose();
  }
}

interface Contender {
  name: string;
  changes: Partial<Capabilities>;
}

/** Name of the contender with the shortest best time. They take turns, so that a busy moment affects all of them. */
async function fastestOf(gpu: Gpu, contenders: readonly Contender[], product: (recorder: Recorder) => void) {
  const runs: { name: string; run: () => Promise<number>; time: number }[] = [];
  for (const { name, changes } of contenders)
    runs.push({ name, run: await timer(gpu, changes, product), time: Number.POSITIVE_INFINITY });
  for (let turn = 0; turn < TURNS; turn++) for (const each of runs) each.time = Math.min(each.time, await each.run());
  return runs.sort((a, b) => a.time - b.time)[0]!.name;
}

/** A function that measures the milliseconds of one `product` with these capabilities. */
async function timer(gpu: Gpu, changes: Partial<Capabilities>, product: (recorder: Recorder) => void) {
  const body = (repeats: number) => (recorder: Recorder) => {
    for (let i = 0; i < repeats; i++) product(withCapabilities(recorder, changes));
  };
  await gpu.compile(body(1));
  const run = async (repeats: number) => {
    const start = performance.now();
    gpu.submit("measurement", body(repeats));
    await gpu.idle();
    return performance.now() - start;
  };
  await run(1); // the first run includes one-time costs
  let repeats = 1;
  while (repeats < MOST_REPEATS && (await run(repeats)) < LONG_ENOUGH_MS) repeats *= 2;
  return async () => (await run(repeats)) / repeats;
}
