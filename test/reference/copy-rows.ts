/** Rows of one matrix copied into another. */

interface CopiedRows {
  xRow: number;
  yRow: number;
  rows: number;
  accumulate?: boolean;
  yColumn?: number;
  yWidth?: number;
}

/** A copy of `y` [B, yWidth] with C columns from yColumn on of rows yRow.. replaced by rows xRow.. of `x` [A, C], or by their sums with them. */
export function copyRows(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  width: number,
  { xRow, yRow, rows, accumulate, yColumn = 0, yWidth = width }: CopiedRows,
): Float64Array {
  const result = Float64Array.from(y);
  for (let row = 0; row < rows; row++)
    for (let c = 0; c < width; c++) {
      const to = (yRow + row) * yWidth + yColumn + c;
      result[to] = (accumulate ? result[to]! : 0) + x[(xRow + row) * width + c]!;
    }
  return result;
}
