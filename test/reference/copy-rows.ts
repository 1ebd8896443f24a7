/** Rows of one matrix copied into another. */

/** A copy of `y` [B, C] with rows yRow.. replaced by rows xRow.. of `x` [A, C], or by their sums with them. */
export function copyRows(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  width: number,
  { xRow, yRow, rows, accumulate }: { xRow: number; yRow: number; rows: number; accumulate?: boolean },
): Float64Array {
  const result = Float64Array.from(y);
  for (let i = 0; i < rows * width; i++) {
    const before = accumulate ? result[yRow * width + i]! : 0;
    result[yRow * width + i] = before + x[xRow * width + i]!;
  }
  return result;
}
