/** Spatial down-sampling of the patch grid by averages, in f64 (the paper's pilot study). */

/**
 * Averages windows of `factor` x `factor` patches. Where the factor does not divide the grid, the windows at the right and
 * bottom are smaller and averaged over what they hold.
 *
 * @param x [G * G, C], raster order
 * @param grid G, patches along a side
 * @returns [ceil(G / factor)^2, C]
 */
export function pool(x: ArrayLike<number>, grid: number, factor: number): Float64Array {
  const width = x.length / (grid * grid);
  const side = Math.ceil(grid / factor);
  const y = new Float64Array(side * side * width);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const bottom = Math.min(grid, (row + 1) * factor);
      const right = Math.min(grid, (column + 1) * factor);
      const area = (bottom - row * factor) * (right - column * factor);
      for (let patchY = row * factor; patchY < bottom; patchY++)
        for (let patchX = column * factor; patchX < right; patchX++)
          for (let c = 0; c < width; c++) {
            y[(row * side + column) * width + c]! += x[(patchY * grid + patchX) * width + c]! / area;
          }
    }
  return y;
}
