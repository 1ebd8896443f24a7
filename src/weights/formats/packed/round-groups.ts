/**
 * Rounds weights to groups of 32 integers under an f16 scale each, with the integers and scales of
 * shaders/weight-pack.wgsl. Every step is in f32 and in the shader's order: the choice among scales depends on the last
 * bit.
 */
import { halfBits, halfValue, LARGEST_HALF } from "../../../shared/half.ts";
import type { PackedBits } from "../packed-rows.ts";

export const ROUND_GROUP = 32;

/** Scales are stored in these parts of 1, so that small ones keep their digits. */
const SCALE_UNITS = 256;
/** Added and taken away, it rounds a number to the nearest integer, ties to even. */
const ROUNDER = 1.5 * 2 ** 52;

export interface RoundedRows {
  /** As `PackedRows.integers`: nibbles that count from -8, or signed bytes. */
  readonly integers: Uint8Array;
  /** One for each group. */
  readonly scales: Float32Array;
  /** Groups whose scale no f16 holds. */
  readonly tooLarge: number;
}

/**
 * Rounds values in their order.
 *
 * @param values f32, a multiple of 32 of them
 * @param bits of an integer
 */
export function roundGroups(values: Float32Array, bits: PackedBits): RoundedRows {
  const groups = values.length / ROUND_GROUP;
  const integers = new Uint8Array((values.length * bits) / 8);
  const scales = new Float32Array(groups);
  const limit = (LARGEST_HALF / SCALE_UNITS) * (bits === 4 ? 6.5 : 127);
  let tooLarge = 0;
  for (let group = 0; group < groups; group++) {
    const first = group * ROUND_GROUP;
    const largest = furthestFromZero(values, first);
    if (Math.abs(largest) > limit) tooLarge++;
    const scale = bits === 4 ? bestScale(values, first, largest) : storedScale(fround(largest / 127));
    scales[group] = scale;
    const inverse = scale === 0 ? 0 : fround(1 / scale);
    if (bits === 8)
      for (let i = first; i < first + ROUND_GROUP; i++) integers[i] = level(values[i]!, inverse, -127, 127);
    else
      for (let i = first; i < first + ROUND_GROUP; i += 2)
        integers[i >> 1] = (level(values[i]!, inverse, -8, 7) + 8) | ((level(values[i + 1]!, inverse, -8, 7) + 8) << 4);
  }
  return { integers, scales, tooLarge };
}

const fround = Math.fround;

function level(value: number, inverse: number, lowest: number, highest: number): number {
  const rounded = fround(value * inverse) + ROUNDER - ROUNDER;
  return rounded < lowest ? lowest : rounded > highest ? highest : rounded;
}

/**
 * The value of a group that is furthest from zero, with its sign. Of several the shader's first: it compares the four
 * components of its vectors apart, then 0 with 2, 1 with 3, and these two.
 */
function furthestFromZero(values: Float32Array, first: number): number {
  const lane = (lane: number) => {
    let best = values[first + lane]!;
    for (let i = lane + 4; i < ROUND_GROUP; i += 4) best = further(best, values[first + i]!);
    return best;
  };
  return further(further(lane(0), lane(2)), further(lane(1), lane(3)));
}

function further(a: number, b: number): number {
  return Math.abs(b) > Math.abs(a) ? b : a;
}

/** Of nine scales that put the largest value near -8, the one of least squared error. */
function bestScale(values: Float32Array, first: number, largest: number): number {
  let best = 0;
  let least = fround(3e38);
  for (let step = 0; step <= 8; step++) {
    const scale = storedScale(fround(largest / -(6.5 + 0.375 * step)));
    const error = squaredError(values, first, scale, least);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

/** The squared error of a group, or a part of it that is not below `limit`: it only grows. */
function squaredError(values: Float32Array, first: number, scale: number, limit: number): number {
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  let error = 0;
  for (let i = first; i < first + ROUND_GROUP; i += 4) {
    const x = difference(values[i]!, scale, inverse);
    const y = difference(values[i + 1]!, scale, inverse);
    const z = difference(values[i + 2]!, scale, inverse);
    const w = difference(values[i + 3]!, scale, inverse);
    const dot = fround(fround(fround(fround(x * x) + fround(y * y)) + fround(z * z)) + fround(w * w));
    error = i === first ? dot : fround(error + dot);
    if (error >= limit) break;
  }
  return error;
}

function difference(value: number, scale: number, inverse: number): number {
  return fround(fround(level(value, inverse, -8, 7) * scale) - value);
}

/** A scale as it is read back: an f16 of 256 times its size. */
function storedScale(scale: number): number {
  const scaled = Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, fround(scale * SCALE_UNITS)));
  // 0 is added, so that -0 becomes 0.
  return halfValue(halfBits(scaled)) / SCALE_UNITS + 0;
}
