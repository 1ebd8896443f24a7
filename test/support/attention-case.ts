/** Random inputs of the attention kernels and the reference's results; all attention kernels share these cases. */
import type { Gpu } from "../../src/gpu/device.ts";
import { attention as reference } from "../reference/attention.ts";
import { rangesOf } from "../reference/visible.ts";
import { freshRandom, inputTensor } from "./gpu.ts";
import { halfTensor, roundToHalves } from "./halves.ts";

export interface AttentionCase {
  rows: number;
  keys: number;
  heads: number;
  keyHeads: number;
  headWidth: number;
  /** Default 1 / sqrt(D). */
  scale?: number;
  /** Of a soft cap on logits; default none. */
  cap?: number;
  /** [T, 2], the half-open range of keys that each row sees; default all keys. */
  visible?: readonly number[];
  inhibit?: (t: number, s: number) => boolean;
  /** Keys that no kernel may read: the device has NaN there. */
  unread?: (s: number) => boolean;
  /** Keys and values are f16. */
  halves?: boolean;
}

/** NaN before, between and after the rows: a kernel that reads there gives NaN. */
function stridedRows(values: Float32Array, rows: number, stride: number, offset: number, spareRows: number) {
  const width = values.length / rows;
  const wide = new Float32Array((rows + spareRows) * stride).fill(Number.NaN);
  for (let t = 0; t < rows; t++) wide.set(values.subarray(t * width, (t + 1) * width), t * stride + offset);
  return wide;
}

/** The kernel's arguments except its outputs, their values, and the reference's result. */
export function attentionCase(gpu: Gpu, shape: AttentionCase) {
  const { rows, keys, heads, keyHeads, headWidth, inhibit, unread = () => false } = shape;
  const random = freshRandom("attention");
  const { scale = 1 / Math.sqrt(headWidth), cap } = shape;
  const q = random.floats(rows * heads * headWidth);
  const cached = () => {
    const values = random.floats(keys * keyHeads * headWidth);
    return shape.halves ? roundToHalves(values) : values;
  };
  const k = cached();
  const v = cached();

  const headRows = (values: Float32Array, count: number, pad: number, make = inputTensor as typeof halfTensor) => {
    const offset = pad;
    const stride = values.length / count + 2 * pad;
    const wide = stridedRows(values, count, stride, offset, 3);
    return { tensor: make(gpu, [count + 3, stride], wide), stride, offset };
  };
  const make = shape.halves ? halfTensor : undefined;
  const poisoned = (values: Float32Array) => {
    const width = keyHeads * headWidth;
    return values.map((value, i) => (unread(Math.floor(i / width)) ? Number.NaN : value));
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
  const visible = shape.visible ?? rangesOf(rows, () => [0, keys]);
  const options = { scale, cap, visible, inhibited: pairs };
  return {
    args: {
      q: headRows(q, rows, headWidth),
      k: headRows(poisoned(k), keys, 2 * headWidth, make),
      v: headRows(poisoned(v), keys, headWidth, make),
      visible: inputTensor(gpu, [rows, 2], visible, "u32"),
      inhibited: pairs && inputTensor(gpu, [rows, words], bits, "u32"),
      rows,
      keys,
      heads,
      keyHeads,
      headWidth,
      scale,
      cap,
    },
    values: { q, k, v },
    expected: reference(q, k, v, { heads, keyHeads, headWidth }, options),
  };
}
