/** The gated short convolution, in f64. */

/**
 * `C * conv(B * X)` over all rows from the first, with zeros before it.
 *
 * @param bcx [T, 3 W]: B, C and X side by side
 * @param weight [W, taps], the last one for the row itself
 * @returns y [T, W] and state [T, W], which is B * X
 */
export function shortConv(
  bcx: ArrayLike<number>,
  weight: ArrayLike<number>,
  width: number,
): { y: Float64Array; state: Float64Array } {
  const taps = weight.length / width;
  const rows = bcx.length / (3 * width);
  const at = (t: number, part: number, w: number) => bcx[(3 * t + part) * width + w]!;
  const y = new Float64Array(rows * width);
  const state = new Float64Array(rows * width);
  for (let t = 0; t < rows; t++) {
    for (let w = 0; w < width; w++) {
      state[t * width + w] = at(t, 0, w) * at(t, 2, w);
      let sum = 0;
      for (let j = 0; j < taps; j++) {
        const row = t - (taps - 1) + j;
        if (row >= 0) sum += weight[w * taps + j]! * state[row * width + w]!;
      }
      y[t * width + w] = at(t, 1, w) * sum;
    }
  }
  return { y, state };
}
