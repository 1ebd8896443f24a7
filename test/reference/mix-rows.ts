/** Rows as weighted sums of rows, in f64. */

/**
 * @param x [A, C]
 * @param sources [T, K], rows of x
 * @param weights [T, K]
 * @param first row of x that source 0 stands for
 * @param y [T, C], to which the sums are added
 * @returns [T, C]
 */
export function mixRows(
  x: ArrayLike<number>,
  sources: ArrayLike<number>,
  weights: ArrayLike<number>,
  y: ArrayLike<number>,
  { taps, width, first = 0 }: { taps: number; width: number; first?: number },
): Float64Array {
  const sums = Float64Array.from(y);
  for (let row = 0; row < sources.length / taps; row++)
    for (let tap = row * taps; tap < (row + 1) * taps; tap++)
      for (let c = 0; c < width; c++) sums[row * width + c]! += weights[tap]! * x[(first + sources[tap]!) * width + c]!;
  return sums;
}
