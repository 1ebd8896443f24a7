/** LayerNorm over the last dimension, in f64. */

/**
 * `(x - mean) / sqrt(variance + eps) * weight + bias` per row, with the biased variance (divided by C).
 *
 * @param x [T, C]
 * @param weight [C]
 * @param bias [C]
 * @returns [T, C]
 */
export function layerNorm(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  eps: number,
): Float64Array {
  const width = weight.length;
  const rows = x.length / width;
  const y = new Float64Array(x.length);
  for (let t = 0; t < rows; t++) {
    let sum = 0;
    for (let c = 0; c < width; c++) sum += x[t * width + c]!;
    const mean = sum / width;
    let squares = 0;
    for (let c = 0; c < width; c++) squares += (x[t * width + c]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / width + eps);
    for (let c = 0; c < width; c++) y[t * width + c] = (x[t * width + c]! - mean) * scale * weight[c]! + bias[c]!;
  }
  return y;
}
