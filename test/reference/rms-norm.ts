/** RMSNorm over the last dimension, in f64 (Zhang and Sennrich 2019, as Llama uses it: no mean, no bias). */

/**
 * `x / sqrt(mean(x^2) + eps) * weight` per row.
 *
 * @param x [T, C]
 * @param weight [C]
 * @returns [T, C]
 */
export function rmsNorm(x: ArrayLike<number>, weight: ArrayLike<number>, eps: number): Float64Array {
  const width = weight.length;
  const rows = x.length / width;
  const y = new Float64Array(x.length);
  for (let t = 0; t < rows; t++) {
    let squares = 0;
    for (let c = 0; c < width; c++) squares += x[t * width + c]! ** 2;
    const scale = 1 / Math.sqrt(squares / width + eps);
    for (let c = 0; c < width; c++) y[t * width + c] = x[t * width + c]! * scale * weight[c]!;
  }
  return y;
}
