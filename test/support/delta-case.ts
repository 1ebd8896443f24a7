/** Random inputs of the gated delta rule. */
import type { Gpu } from "../../src/gpu/device.ts";
import { type DeltaHeads, deltaWidth } from "../../src/kernels/delta-rule.ts";
import { inputTensor } from "./gpu.ts";
import type { Random } from "./random.ts";

export interface DeltaCase {
  heads: DeltaHeads;
  qkv: Float32Array; // [T, 2 Hk dk + Hv dv]
  gates: Float32Array; // [T, 2 Hv]
  rate: Float32Array; // [Hv]
  bias: Float32Array; // [Hv]
}

/**
 * Heads that forget at once, in a few rows, and hardly, side by side. Queries lean to the keys of their row. The first
 * row, and every row of a head that forgets, sees no other key; where the product of the two is near 0, the result is
 * only rounding.
 */
export function deltaCase(random: Random, rows: number, heads: DeltaHeads): DeltaCase {
  const { keyHeads, keyWidth, valueHeads } = heads;
  const [width, keys] = [deltaWidth(heads), keyHeads * keyWidth];
  const qkv = random.floats(rows * width);
  for (let row = 0; row < rows; row++) for (let i = row * width; i < row * width + keys; i++) qkv[i]! += qkv[i + keys]!;
  return {
    heads,
    qkv,
    gates: random.floats(rows * 2 * valueHeads, 3),
    rate: Float32Array.from({ length: valueHeads }, (_, head) => [2.5, -1, -4][head % 3]! + random.uniform()),
    bias: random.floats(valueHeads, 2),
  };
}

/** Rows [first, end) of the case on the GPU. */
export function deltaTensors(gpu: Gpu, { heads, qkv, gates, rate, bias }: DeltaCase, first: number, end: number) {
  const [width, valueHeads] = [deltaWidth(heads), heads.valueHeads];
  return {
    qkv: inputTensor(gpu, [end - first, width], qkv.subarray(first * width, end * width)),
    gates: inputTensor(
      gpu,
      [end - first, 2 * valueHeads],
      gates.subarray(2 * first * valueHeads, 2 * end * valueHeads),
    ),
    rate: inputTensor(gpu, [valueHeads], rate),
    bias: inputTensor(gpu, [valueHeads], bias),
    ...heads,
  };
}

/**
 * [Hk, Hv, dk, dv, tiled] of kernel tests: widths off and on tiles and quads, grouped and tiled heads, the published ones. No
 * result is a single number, which may cancel to nothing but rounding.
 */
export const DELTA_HEADS: readonly (readonly [number, number, number, number, number?])[] = [
  [1, 1, 1, 5],
  [2, 4, 12, 16],
  [2, 6, 12, 16, 1],
  [1, 3, 18, 10],
  [3, 3, 33, 17],
  [2, 2, 64, 32],
  [1, 2, 128, 128],
  [1, 1, 200, 24],
];

/** By name. */
export function headsOf([keyHeads = 0, valueHeads = 0, keyWidth = 0, valueWidth = 0, tiled = 0]: readonly (
  | number
  | undefined
)[]): DeltaHeads {
  return { keyHeads, valueHeads, keyWidth, valueWidth, tiled: tiled === 1 };
}
