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
  const notFinite = scales.findIndex((scale, i) => !Number.isFinite(scale) || !Number.isFinite(flat.biases?.[i] ?? 0));
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

function halfPlane(scales: Float32Array): Omit<ScalePlane, "notFinite"> {
  const halves = new Uint16Array(scales.length);
  const tolerance = negligible(scales);
  let fits = true;
  for (let i = 0; i < scales.length; i++) {
    halves[i] = halfBits(scales[i]! * SCALE_UNITS);
    fits &&= isNear(halves[i]!, scales[i]! * SCALE_UNITS, tolerance);
  }
  return { bytes: new Uint8Array(halves.buffer), fits };
}

function halfPairs({ bias }: GroupedType, { scales, biases }: FlatValues) {
  const halves = new Uint16Array(2 * scales.length);
  const tolerance = negligible(scales);
  let fits = true;
  for (let i = 0; i < scales.length; i++) {
    const scale = scales[i]!;
    const own = biases?.[i] ?? 0;
    halves[2 * i] = halfBits(scale * SCALE_UNITS);
    fits &&= isNear(halves[2 * i]!, scale * SCALE_UNITS, tolerance);
    if (bias === "zeros") {
      const zero = scale === 0 ? 0 : Math.round(own / scale);
      halves[2 * i + 1] = halfBits(zero);
      fits &&= Math.abs(zero) <= MOST_ZERO && Math.abs(zero * scale - own) <= RELATIVE_ERROR ** 2 * Math.abs(own);
    } else {
      const stored = own * SCALE_UNITS;
      halves[2 * i + 1] = halfBits(stored);
      fits &&= isNear(halves[2 * i + 1]!, stored, tolerance);
    }
  }
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
