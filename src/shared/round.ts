/** Rounding as Python does it. */

/** Rounds to the nearest integer, a half to the even neighbour. */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}
