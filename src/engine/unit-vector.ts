/** Vectors of length 1. */
import { notFiniteError } from "../errors.ts";

/** Scales a vector to length 1, in place. Throws FoveaError `bad-weights` if that is not possible. */
export function toUnit(values: Float32Array, what: string): Float32Array {
  let sum = 0;
  for (const value of values) sum += value * value;
  const length = Math.sqrt(sum);
  if (!(length > 0 && Number.isFinite(length))) throw notFiniteError(what);
  for (let i = 0; i < values.length; i++) values[i]! /= length;
  return values;
}
