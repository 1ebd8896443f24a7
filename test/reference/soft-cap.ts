/** A soft limit, in f64. */

/** `cap * tanh(value / cap)`; a cap of 0 is none. */
export function softCap(value: number, cap: number): number {
  return cap === 0 ? value : cap * Math.tanh(value / cap);
}
