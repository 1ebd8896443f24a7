/** Packed weights, one value at a time: the layout of a word, and the choice of a group's scale. */
import { f16ToNumber, roundToF16 } from "./weight-unpack.ts";

export type PackedFormat = "f16" | "q8" | "q4";

/** Weights under one scale. */
const GROUP = 32;
/** Scales are stored in these parts of 1. */
const SCALE_UNITS = 256;

/** The values of a packed matrix of `count` weights: integers or f16, then the scales as f16, low 16 bits first. */
export function unpackWeights(words: Uint32Array, count: number, format: PackedFormat): Float64Array {
  const half = (index: number) => f16ToNumber((words[index >> 1]! >>> (16 * (index & 1))) & 0xffff);
  if (format === "f16") return Float64Array.from({ length: count }, (_, i) => half(i));
  const bits = format === "q8" ? 8 : 4;
  const perWord = 32 / bits;
  const firstScale = (2 * count) / perWord; // in f16 elements
  return Float64Array.from({ length: count }, (_, i) => {
    const field = (words[Math.floor(i / perWord)]! >>> (bits * (i % perWord))) & (2 ** bits - 1);
    const level = format === "q4" ? field - 8 : field >= 128 ? field - 256 : field;
    return level * (half(firstScale + Math.floor(i / GROUP)) / SCALE_UNITS);
  });
}

/** A scale as it is stored. */
export function storedScale(scale: number): number {
  return roundToF16(scale * SCALE_UNITS) / SCALE_UNITS;
}

/** The values that come back of packed ones; unless `store` rounds them, with scales as they are: how well the rule does. */
export function roundWeights(
  values: ArrayLike<number>,
  format: "q8" | "q4",
  store = (scale: number) => scale,
): Float64Array {
  const result = new Float64Array(values.length);
  for (let first = 0; first < values.length; first += GROUP) {
    const group = Array.from({ length: GROUP }, (_, i) => values[first + i]!);
    const largest = group.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    const divisors = format === "q8" ? [127] : Array.from({ length: 9 }, (_, step) => -(6.5 + 0.375 * step));
    const candidates = divisors.map((divisor) => roundGroup(group, store(largest / divisor), format));
    const errors = candidates.map((rounded) => rounded.reduce((sum, value, i) => sum + (value - group[i]!) ** 2, 0));
    result.set(candidates[errors.indexOf(Math.min(...errors))]!, first);
  }
  return result;
}

function roundGroup(group: readonly number[], scale: number, format: "q8" | "q4"): number[] {
  const [low, high] = format === "q8" ? [-127, 127] : [-8, 7];
  return group.map((value) => (scale === 0 ? 0 : scale * Math.min(high, Math.max(low, Math.round(value / scale)))));
}
