/** The importance score (IPS) of a view's cells from one encoder block's attention, in f64 (paper, before eq. 5). */
import { type AttentionShape, attentionLogit } from "./attention.ts";

/**
 * Sums the scores of a cell's seats. With a class token a row's score is the head mean of the class row's attention
 * weight, its own column left out and nothing renormalised. Without one it is the mean over heads and all queries of the
 * weight that the row receives.
 *
 * @param q [T, H, D]
 * @param k [T, H, D]
 * @param logSumExp [T, H], from `attention` over all T rows
 * @param seats S, rows of a cell
 * @returns [N], T = first + N * S with first = 1 with a class token, else 0
 */
export function importance(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  logSumExp: ArrayLike<number>,
  shape: AttentionShape,
  hasClassToken: boolean,
  seats: number,
): Float64Array {
  const { heads, headWidth } = shape;
  const rows = k.length / (shape.keyHeads * headWidth);
  const first = hasClassToken ? 1 : 0;
  const queries = hasClassToken ? 1 : rows;
  const scores = new Float64Array((rows - first) / seats);
  for (let row = first; row < rows; row++) {
    let sum = 0;
    for (let t = 0; t < queries; t++)
      for (let h = 0; h < heads; h++) {
        sum += Math.exp(attentionLogit(q, k, t, row, h, shape) - logSumExp[t * heads + h]!);
      }
    scores[Math.floor((row - first) / seats)]! += sum / (heads * queries);
  }
  return scores;
}
