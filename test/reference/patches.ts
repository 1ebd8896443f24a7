/** Cuts a picture into patch rows, so that the patch convolution (stride = kernel) is a matrix product. */

/**
 * Row n = (patch row, patch column) in raster order; within a row (channel, y, x), which is the order of a Hugging Face
 * convolution weight [C, 3, P, P] flattened to [C, 3 * P * P]. What a patch does not fill at the right and bottom is left
 * out, as the convolution does.
 *
 * @param pixels planar [3, S, S]
 * @param size S, in pixels
 * @param patch P, in pixels
 * @returns [N, 3 * P * P], N = floor(S / P)^2
 */
export function patches(pixels: ArrayLike<number>, size: number, patch: number): Float64Array {
  const grid = Math.floor(size / patch);
  const rows = new Float64Array(grid * grid * 3 * patch * patch);
  let i = 0;
  for (let patchY = 0; patchY < grid; patchY++)
    for (let patchX = 0; patchX < grid; patchX++)
      for (let channel = 0; channel < 3; channel++)
        for (let y = 0; y < patch; y++)
          for (let x = 0; x < patch; x++) {
            rows[i++] = pixels[(channel * size + patchY * patch + y) * size + patchX * patch + x]!;
          }
  return rows;
}
