/** Checks of invariants and of arguments. */
import { shown } from "./json.ts";

/** Throws if an invariant is broken: a bug in Fovea, never bad input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Fovea internal error: ${message}`);
}

/** Throws RangeError unless `value` is an integer in [min, max]. */
export function checkInteger(name: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${name} must be an integer from ${min} to ${max}, got ${argumentText(value)}`);
  return value;
}

/** Throws RangeError unless `value` is a finite number in [min, max]. */
export function checkNumber(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== "number" || !(value >= min && value <= max))
    throw new RangeError(`${name} must be a number from ${min} to ${max}, got ${argumentText(value)}`);
  return value;
}

function argumentText(value: unknown): string {
  return typeof value === "object" ? shown(value) : String(value).slice(0, 80);
}

/** Integer division, rounded up. */
export function ceilDiv(a: number, b: number): number {
  return Math.ceil(a / b);
}

/** `value` rounded up to a multiple of `multiple`. */
export function alignTo(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
