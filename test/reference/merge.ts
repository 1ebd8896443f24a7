/** Fuses the cells of each cluster into one, weighted by importance, in f64 (paper eq. 7). */

/** "raw" is eq. 7 to the letter; "normalized" divides by the cluster's sum of weights, so that token norms keep their scale. */
export type MergeMode = "normalized" | "raw";

/**
 * `m_g = sum of w_j x_j over the rows j of cluster g`.
 *
 * A cell is one row of its seats in order and has one weight, so that seats merge with the same seat of other cells.
 *
 * @param x [R, S * C]
 * @param weights [R], the importance scores
 * @param labels [R], each below `clusters`
 * @param width S * C
 * @returns [clusters, S * C]
 */
export function merge(
  x: ArrayLike<number>,
  weights: ArrayLike<number>,
  labels: ArrayLike<number>,
  clusters: number,
  width: number,
  mode: MergeMode = "normalized",
): Float64Array {
  const merged = new Float64Array(clusters * width);
  for (let g = 0; g < clusters; g++) {
    let sum = 0;
    let members = 0;
    for (let r = 0; r < labels.length; r++) {
      if (labels[r] !== g) continue;
      sum += weights[r]!;
      members++;
    }
    for (let r = 0; r < labels.length; r++) {
      if (labels[r] !== g) continue;
      // Below 1e-12 the quotient would be noise: the plain mean.
      const normalizedWeight = sum < 1e-12 ? 1 / members : weights[r]! / sum;
      const weight = mode === "raw" ? weights[r]! : normalizedWeight;
      for (let c = 0; c < width; c++) merged[g * width + c]! += weight * x[r * width + c]!;
    }
  }
  return merged;
}
