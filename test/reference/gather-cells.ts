/** Cells of a view in another order. */

/** Cells `order` of `x` [N, S * C], each one row of its seats. @param width S * C @returns [k, S * C] */
export function gatherCells(x: ArrayLike<number>, order: ArrayLike<number>, width: number): number[] {
  return Array.from(order, (cell) => Array.from({ length: width }, (_, c) => x[cell * width + c]!)).flat();
}
