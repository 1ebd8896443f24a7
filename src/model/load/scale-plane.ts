/**
 * Scales and biases of packed rows in the layout of a grouped type (gpu/tensor.ts; shaders/lib/scales-* read it), and
 * whether they fit it. A pass over all groups decides, because no file says how large its scales are.
 */
import { type GroupedType, SCALE_UNITS } from "../../gpu/tensor.ts";
import { halfBits, halfValue, LARGEST_HALF } from "../../shared/half.ts";
import type { PackedRows } from "../../weights/formats/packed-rows.ts";

/** Relative error of f16. A scale that it misses by more, such as a subnormal one, does not fit. */
const RELATIVE_ERROR = 2 ** -11;
/** Unless the error is nothing beside the largest scale of the rows: all-zero groups have tiny scales. */
const NEGLIGIBLE = 2 ** -20;
/** f16 holds every whole number up to this one. */
const MOST_ZERO = 2048;

export interface ScalePlane {
  /** Whole words, but for a plane of single f16 scales. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Whether f16 holds them all. */
  fits: boolean;
  /** The first group with a scale or bias that is NaN or infinite; -1 for none. */
  notFinite: number;
}

export function scalePlane(type: GroupedType, rows: Pick<PackedRows, "scales" | "biases">): ScalePlane {
  const { scales, biases } = rows;
  const notFinite = scales.findIndex((scale, i) => !Number.isFinite(scale) || !Number.isFinite(biases?.[i] ?? 0));
  if (type.scales === "f32") return { bytes: widePlane(type, rows), fits: true, notFinite };
  return { ...(type.bias === "none" ? halfPlane(scales) : halfPairs(type, rows)), notFinite };
}

function widePlane({ bias }: GroupedType, { scales, biases }: Pick<PackedRows, "scales" | "biases">) {
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

function halfPairs({ bias, origin }: GroupedType, { scales, biases }: Pick<PackedRows, "scales" | "biases">) {
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
      const stored = Math.fround(own + origin * scale) * SCALE_UNITS;
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
