/**
 * Scales and biases of packed rows in the layout of a grouped type (gpu/tensor.ts; shaders/lib/scales-* read it), and a
 * check that they fit it. The check reads all groups, because no file states the range of its scales.
 */
import { type GroupedType, SCALE_UNITS } from "../../gpu/tensor.ts";
import { assert } from "../../shared/assert.ts";
import { halfBits, halfValue, LARGEST_HALF } from "../../shared/half.ts";
import type { NestedNumbers, PackedRows } from "../../weights/formats/packed-rows.ts";

/** Relative error of f16. A scale with a larger error, such as a subnormal one, does not fit. */
const RELATIVE_ERROR = 2 ** -11;
/** Error that is negligible relative to the largest scale of the rows: all-zero groups have tiny scales. */
const NEGLIGIBLE = 2 ** -20;
/** f16 holds every whole number up to this one. */
const MOST_ZERO = 2048;

export interface ScalePlane {
  /** Whole words, except for a plane of single f16 scales. */
  bytes: Uint8Array<ArrayBuffer>;
  /** True if f16 holds them all. */
  fits: boolean;
  /** The first group with a scale or bias that is NaN or infinite; -1 for none. */
  notFinite: number;
}

/** The scales and biases of these rows as bytes. `fits` is false if f16 cannot hold them. */
export function scalePlane(type: GroupedType, rows: GroupValues): ScalePlane {
  const { scales, biases } = rows;
  if (!(scales instanceof Float32Array)) {
    assert(type.scales === "nested" && type.origin === (rows.origin ?? 0), "nested scales of another layout");
    return { ...nestedPlane(scales, biases as NestedNumbers | undefined), fits: true };
  }
  // Kernels add f32 biases to the value of the integer 0.
  const origin = type.scales === "f32" ? 0 : type.origin;
  const flat = { scales, ...(biases && { biases: biasesAt(origin, rows) }) };
  const notFinite = firstNotFinite(scales, flat.biases);
  if (type.scales === "f32") return { bytes: widePlane(type, flat), fits: true, notFinite };
  return { ...(type.bias === "none" ? halfPlane(scales) : halfPairs(type, flat)), notFinite };
}

type GroupValues = Pick<PackedRows, "scales" | "biases" | "origin">;

interface FlatValues {
  readonly scales: Float32Array;
  /** The biases, in a layout that pairs them with its scales. */
  readonly biases?: Float32Array;
}

/** The value of the integer `origin` in each group; the biases themselves if that is their meaning. */
function biasesAt(origin: number, { scales, biases, origin: own = 0 }: GroupValues): Float32Array {
  const values = biases as Float32Array;
  if (origin === own) return values;
  return values.map((bias, i) => bias + (origin - own) * (scales as Float32Array)[i]!);
}

/** A record for each NEST neighbours: its units, then the counts of its groups. */
function nestedPlane(scales: NestedNumbers, biases: NestedNumbers | undefined): Omit<ScalePlane, "fits"> {
  const numbers = biases ? [scales, biases] : [scales];
  const groups = scales.counts.length / scales.units.length;
  const bytes = new Uint8Array(scales.units.length * numbers.length * (4 + groups));
  const view = new DataView(bytes.buffer);
  let notFinite = -1;
  for (let nest = 0, at = 0; nest < scales.units.length; nest++) {
    for (const { units } of numbers) {
      if (notFinite < 0 && !Number.isFinite(units[nest]!)) notFinite = nest * groups;
      view.setFloat32(at, units[nest]!, true);
      at += 4;
    }
    for (let group = nest * groups; group < (nest + 1) * groups; group++)
      for (const { counts } of numbers) bytes[at++] = counts[group]!;
  }
  return { bytes, notFinite };
}

function widePlane({ bias }: GroupedType, { scales, biases }: FlatValues) {
  if (bias === "none") return new Uint8Array(scales.slice().buffer);
  const pairs = new Float32Array(2 * scales.length);
  for (let i = 0; i < scales.length; i++) {
    pairs[2 * i] = scales[i]!;
    pairs[2 * i + 1] = biases?.[i] ?? 0;
  }
  return new Uint8Array(pairs.buffer);
}

/** -1 for none. Loops, not callbacks: files have millions of groups. */
function firstNotFinite(scales: Float32Array, biases: Float32Array | undefined): number {
  // NaN and infinity alone do not become 0.
  for (let i = 0; i < scales.length; i++) if (scales[i]! * 0 !== 0 || (biases && biases[i]! * 0 !== 0)) return i;
  return -1;
}

function halfPlane(scales: Float32Array): Omit<ScalePlane, "notFinite"> {
  const halves = new Uint16Array(scales.length);
  const fits = storeHalves(scales, negligible(scales), halves, 0, 1);
  return { bytes: new Uint8Array(halves.buffer), fits };
}

/** Reused: what a load allocates outside of the heap makes the collector look through all of it. */
let scratch = new Float32Array(0);

/**
 * Writes numbers as f16 of SCALE_UNITS times as much, number i at `first + step * i`.
 *
 * @returns whether f16 holds them all
 */
function storeHalves(
  numbers: Float32Array,
  tolerance: number,
  halves: Uint16Array,
  first: number,
  step: 1 | 2,
): boolean {
  if (scratch.length < numbers.length) scratch = new Float32Array(numbers.length);
  const scaled = scratch.subarray(0, numbers.length);
  for (let i = 0; i < scaled.length; i++) scaled[i] = numbers[i]! * SCALE_UNITS;
  const words = new Uint32Array(scaled.buffer, 0, scaled.length);
  let fits = true;
  for (let i = 0, at = first; i < scaled.length; i++, at += step) {
    const word = words[i]!;
    const size = word & 0x7fffffff;
    // Most come from f16: with 11 bits and in its range, a number is the same there.
    if ((word & 0x1fff) === 0 && size >= 0x38800000 && size < 0x47800000)
      halves[at] = ((word >>> 16) & 0x8000) | ((size - 0x38000000) >>> 13);
    else {
      halves[at] = halfBits(scaled[i]!);
      fits &&= isNear(halves[at]!, scaled[i]!, tolerance);
    }
  }
  return fits;
}

function halfPairs({ bias }: GroupedType, { scales, biases }: FlatValues) {
  const halves = new Uint16Array(2 * scales.length);
  const tolerance = negligible(scales);
  let fits = storeHalves(scales, tolerance, halves, 0, 2);
  if (bias === "zeros")
    for (let i = 0; i < scales.length; i++) {
      const scale = scales[i]!;
      const own = biases?.[i] ?? 0;
      const zero = scale === 0 ? 0 : Math.round(own / scale);
      halves[2 * i + 1] = halfBits(zero);
      fits &&= Math.abs(zero) <= MOST_ZERO && Math.abs(zero * scale - own) <= RELATIVE_ERROR ** 2 * Math.abs(own);
    }
  else if (biases) fits = storeHalves(biases, tolerance, halves, 1, 2) && fits;
  return { bytes: new Uint8Array(halves.buffer), fits };
}

function isNear(half: number, value: number, tolerance: number): boolean {
  if (!(Math.abs(value) <= LARGEST_HALF)) return false;
  return Math.abs(halfValue(half) - value) <= Math.max(tolerance, RELATIVE_ERROR * Math.abs(value));
}

function negligible(scales: Float32Array): number {
  let largest = 0;
  for (const scale of scales) largest = Math.max(largest, Math.abs(scale));
  return NEGLIGIBLE * SCALE_UNITS * largest;
}
