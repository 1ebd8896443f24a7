/**
 * What only a try on the device tells: whether its f16 arithmetic is right, and which variants of the products are
 * fastest on it. What is done with the answers is decided by the engine; see `Capabilities`.
 */
import type { Gpu } from "../gpu/device.ts";
import { type Capabilities, type Recorder, withCapabilities } from "../gpu/pass.ts";
import { readFloats } from "../gpu/readback.ts";
import { matmul, matmulVariants } from "./matmul.ts";
import { matvec } from "./matvec.ts";
import { GPU_SHAPES } from "./row-product.ts";

/** A product that is no multiple of a tile on any side, so that its edges are tried too. */
const TRIED = { rows: 70, cols: 130, inner: 100 };
/** Size of the first row of x; the others are below 1. f16 does not hold it: the device must notice that. */
const TRIED_SIZE = 1e6;
/**
 * Of sums of 100 products, over their largest product: about 0.005 comes of rounding to 11 bits, a wrong tile is off
 * by several.
 */
const TRIED_ERROR = 0.05;

/**
 * Whether the device multiplies halves, and rightly: some drivers have the feature and refuse its shaders, or return zeros
 * or worse.
 */
export async function halvesAreRight(gpu: Gpu): Promise<boolean> {
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
    const inHalves: Partial<Capabilities> = { halves: "all", fastest: { matmul: "half tiles" } };
    const body = (recorder: Recorder) => matmul(withCapabilities(recorder, inHalves), args);
    if (!(await gpu.canCompile(body))) return false;
    gpu.submit("self-test of halves", body);
    return isProduct(await readFloats(gpu, args.y), x, weight, inner);
  } finally {
    arena.dispose();
  }
}

/** Whether y is x W^T as far as halves can tell. @param x [M, K] @param weight [N, K] @param y [M, N] */
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

/** Rows of a prompt's chunk, and a layer's width: large enough that a GPU is busy, small enough to be over soon. */
const MEASURED = { rows: 128, width: 2048 };
/** A run repeats its work until it takes this long, so that steps of the clock, submit and polling do not matter. */
const LONG_ENOUGH_MS = 8;
const MOST_REPEATS = 128;
/** Runs of each contender. */
const TURNS = 3;

/**
 * Names of the fastest variants here, by kernel. A few tenths of a second on a GPU, most of it compilation.
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
        names.map((name) => ({ name, changes: { halves: "all", fastest: { [kernel]: name } } })),
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

/** Name of the contender whose shortest time is the shortest. They take turns, so that a busy moment is one for all. */
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
  await run(1); // the first one pays for what is done once
  let repeats = 1;
  while (repeats < MOST_REPEATS && (await run(repeats)) < LONG_ENOUGH_MS) repeats *= 2;
  return async () => (await run(repeats)) / repeats;
}
