/** Spatial down-sampling of the grid of cells by averages, in f64 (the paper's pilot study). */

/**
 * Averages windows of `factor` x `factor` cells, each seat with the same seat of the others. Where the factor does not
 * divide the grid, the windows at the right and bottom are smaller and averaged over the cells they hold.
 *
 * @param x [rows * cols, S * C], raster order of cells
 * @param rows of the grid, in cells
 * @param cols of the grid, in cells
 * @returns [ceil(rows / factor) * ceil(cols / factor), S * C]
 */
export function pool(x: ArrayLike<number>, rows: number, cols: number, factor: number): Float64Array {
  const width = x.length / (rows * cols);
  const [down, across] = [Math.ceil(rows / factor), Math.ceil(cols / factor)];
  const y = new Float64Array(down * across * width);
  for (let row = 0; row < down; row++)
    for (let column = 0; column < across; column++) {
      const bottom = Math.min(rows, (row + 1) * factor);
      const right = Math.min(cols, (column + 1) * factor);
      const area = (bottom - row * factor) * (right - column * factor);
      for (let cellY = row * factor; cellY < bottom; cellY++)
        for (let cellX = column * factor; cellX < right; cellX++)
          for (let c = 0; c < width; c++) {
            y[(row * across + column) * width + c]! += x[(cellY * cols + cellX) * width + c]! / area;
          }
    }
  return y;
}
