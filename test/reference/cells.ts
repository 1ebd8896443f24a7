/** Cell order: the patches of a view cell by cell, cells in raster order, and the seats of a cell in raster order too. */

/**
 * Raster indices of the patches of a grid in cell order.
 *
 * @param rows patches down, a multiple of `cell`
 * @param cols patches across, a multiple of `cell`
 * @param cell side of a cell, in patches
 * @returns [rows * cols]
 */
export function cellOrder(rows: number, cols: number, cell: number): number[] {
  const order: number[] = [];
  for (let cellY = 0; cellY < rows / cell; cellY++)
    for (let cellX = 0; cellX < cols / cell; cellX++)
      for (let seatY = 0; seatY < cell; seatY++)
        for (let seatX = 0; seatX < cell; seatX++) order.push((cellY * cell + seatY) * cols + cellX * cell + seatX);
  return order;
}
