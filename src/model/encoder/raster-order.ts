/** The order of an encoder's patch rows: cell by cell, the seats of a cell together. Pure. */
import type { Grid } from "../../spec/picture-spec.ts";

/** The raster index of the patch in each row of a view; cells, and the seats in them, are in raster order. */
export function rasterOrder({ rows, cols }: Grid, cell: number): number[] {
  const order: number[] = [];
  for (let top = 0; top < rows; top += cell)
    for (let left = 0; left < cols; left += cell)
      for (let row = 0; row < cell; row++)
        for (let col = 0; col < cell; col++) order.push((top + row) * cols + left + col);
  return order;
}
