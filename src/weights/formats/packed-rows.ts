/**
 * Every packed weight format decodes to this: whole rows of a matrix as integers in groups. Between
 * the file and the GPU nothing else stands; values are never unpacked to f32 on the way.
 */

import type { Levels } from "../../shared/levels.ts";

export type PackedBits = 4 | 5 | 6 | 8;
export type GroupSize = 16 | 32 | 64 | 128;

/** Numbers of groups in two levels: a whole number for each group, times a unit that NEST columns share. */
export interface NestedNumbers {
  /** [R, C / NEST] */
  readonly units: Float32Array;
  /** [R, G] */
  readonly counts: Int8Array;
}

/** A number for each group, [R, G]. */
export type GroupNumbers = Float32Array | NestedNumbers;

/** Whole rows of a matrix [R, C]: `value = (integer - origin) * scale + bias`, with G = ceil(C / group). */
export interface PackedRows {
  readonly bits: PackedBits;
  /** Columns that share a scale. One scale for a whole row is written as repeated groups. */
  readonly group: GroupSize;
  /**
   * [R, C * 4 / 8], or of 8 bits [R, C], row-major. 8 bits: two's complement. Otherwise the lower 4 bits, lowest nibble
   * first. 0 stands for the least integer, minus half of the range: -8 of 4 bits, -16 of 5.
   */
  readonly integers: Uint8Array;
  /** [R, C * (bits - 4) / 8] of 5 and 6 bits: those above the nibbles, lowest first. */
  readonly high?: Uint8Array;
  /** Of 4 bits: the integers for which nibbles stand instead. */
  readonly levels?: Levels;
  readonly scales: GroupNumbers;
  /** Absent: symmetric. Nested where the scales are. */
  readonly biases?: GroupNumbers;
  /** The integer whose value is the bias; default 0. */
  readonly origin?: number;
}

/** Reads the number of a group. */
export function readNumber(numbers: GroupNumbers, group: number): number {
  if (numbers instanceof Float32Array) return numbers[group]!;
  const { units, counts } = numbers;
  return counts[group]! * units[Math.floor((group * units.length) / counts.length)]!;
}

/** Reads integer `index` of some rows. */
export function readInteger({ bits, integers, high, levels }: PackedRows, index: number): number {
  if (bits === 8) return (integers[index]! << 24) >> 24;
  const nibble = (integers[index >> 1]! >> (4 * (index & 1))) & 15;
  if (levels) return levels.values[nibble]!;
  const width = bits - 4;
  const above = high ? (high[(index * width) >> 3]! >> ((index * width) & 7)) & ((1 << width) - 1) : 0;
  return (nibble | (above << 4)) - (1 << (bits - 1));
}

/** Rows [start, end) of `rows`, in the same memory. */
export function sliceRows(packed: PackedRows, rows: number, start: number, end: number): PackedRows {
  const cut = <T extends Uint8Array | Int8Array | Float32Array>(values: T) =>
    values.subarray((start * values.length) / rows, (end * values.length) / rows) as T;
  return mapPlanes(packed, cut);
}

/** The same rows with each of their planes replaced. */
export function mapPlanes(
  packed: PackedRows,
  change: <T extends Uint8Array | Int8Array | Float32Array>(plane: T) => T,
): PackedRows {
  const numbers = (plane: GroupNumbers): GroupNumbers =>
    plane instanceof Float32Array ? change(plane) : { units: change(plane.units), counts: change(plane.counts) };
  const { integers, high, scales, biases } = packed;
  return {
    ...packed,
    integers: change(integers),
    ...(high && { high: change(high) }),
    scales: numbers(scales),
    ...(biases && { biases: numbers(biases) }),
  };
}
