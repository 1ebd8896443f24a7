/** Random inputs of the attention kernels with what the reference makes of them; the same cases for both kernels. */
import type { Gpu } from "../../src/gpu/device.ts";
import { attention as reference } from "../reference/attention.ts";
import { freshRandom, inputTensor } from "./gpu.ts";

export interface AttentionCase {
  rows: number;
  keys: number;
  heads: number;
  keyHeads: number;
  headWidth: number;
  /** Default 1 / sqrt(D). */
  scale?: number;
  /** Causal with row t at key t + queryOffset; without it every row sees all keys. */
  queryOffset?: number;
  inhibit?: (t: number, s: number) => boolean;
}

/** NaN before, between and behind the rows: whoever reads there is found out. */
function stridedRows(values: Float32Array, rows: number, stride: number, offset: number, spareRows: number) {
  const width = values.length / rows;
  const wide = new Float32Array((rows + spareRows) * stride).fill(Number.NaN);
  for (let t = 0; t < rows; t++) wide.set(values.subarray(t * width, (t + 1) * width), t * stride + offset);
  return wide;
}

/** Arguments for the kernel, all but its outputs, the plain values behind them, and the reference's result. */
export function attentionCase(gpu: Gpu, shape: AttentionCase) {
  const { rows, keys, heads, keyHeads, headWidth, queryOffset, inhibit } = shape;
  const random = freshRandom("attention");
  const scale = shape.scale ?? 1 / Math.sqrt(headWidth);
  const q = random.floats(rows * heads * headWidth);
  const k = random.floats(keys * keyHeads * headWidth);
  const v = random.floats(keys * keyHeads * headWidth);

  const headRows = (values: Float32Array, count: number, pad: number) => {
    const offset = pad;
    const stride = values.length / count + 2 * pad;
    const wide = stridedRows(values, count, stride, offset, 3);
    return { tensor: inputTensor(gpu, [count + 3, stride], wide), stride, offset };
  };
  const pairs =
    inhibit && Uint8Array.from({ length: rows * keys }, (_, i) => Number(inhibit(Math.floor(i / keys), i % keys)));
  const words = Math.ceil(keys / 32);
  // Bits past the last key are set: they must not matter.
  const bits = new Uint32Array(rows * words).fill(0);
  pairs?.forEach((bit, i) => {
    const s = i % keys;
    bits[Math.floor(i / keys) * words + (s >> 5)]! |= bit << (s & 31);
  });
  const options = { scale, causal: queryOffset !== undefined, queryOffset: queryOffset ?? 0, inhibited: pairs };
  return {
    args: {
      q: headRows(q, rows, headWidth),
      k: headRows(k, keys, 2 * headWidth),
      v: headRows(v, keys, headWidth),
      inhibited: pairs && inputTensor(gpu, [rows, words], bits, "u32"),
      rows,
      keys,
      heads,
      keyHeads,
      headWidth,
      scale,
      causal: queryOffset === undefined ? undefined : { queryOffset },
    },
    values: { q, k, v },
    expected: reference(q, k, v, { heads, keyHeads, headWidth }, options),
  };
}
