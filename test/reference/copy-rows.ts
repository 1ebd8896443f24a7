/** Rows of one matrix copied into another. */

/** A copy of `y` [B, C] with rows yRow.. replaced by rows xRow.. of `x` [A, C]. */
export function copyRows(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  width: number,
  { xRow, yRow, rows }: { xRow: number; yRow: number; rows: number },
): Float64Array {
  const result = Float64Array.from(y);
  for (let i = 0; i < rows * width; i++) result[yRow * width + i] = x[xRow * width + i]!;
  return result;
}
