/** The importance score (IPS) of patch tokens from one encoder block's attention, in f64 (paper, before eq. 5). */
import { type AttentionShape, attentionLogit } from "./attention.ts";

/**
 * With a class token: the head mean of the class row's attention weights, its own column left out and nothing
 * renormalised. Without one: the mean over heads and all queries of the weight that a token receives.
 *
 * @param q [T, H, D]
 * @param k [T, H, D]
 * @param logSumExp [T, H], from `attention` over all T tokens
 * @returns [N], N = T - 1 with a class token, else T
 */
export function importance(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  logSumExp: ArrayLike<number>,
  shape: AttentionShape,
  hasClassToken: boolean,
): Float64Array {
  const { heads, headWidth } = shape;
  const tokens = k.length / (shape.keyHeads * headWidth);
  const first = hasClassToken ? 1 : 0;
  const queries = hasClassToken ? 1 : tokens;
  const scores = new Float64Array(tokens - first);
  for (let i = 0; i < scores.length; i++) {
    let sum = 0;
    for (let t = 0; t < queries; t++)
      for (let h = 0; h < heads; h++) {
        sum += Math.exp(attentionLogit(q, k, t, first + i, h, shape) - logSumExp[t * heads + h]!);
      }
    scores[i] = sum / (heads * queries);
  }
  return scores;
}
