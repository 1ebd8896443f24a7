/** The attention that each row pays to each key, averaged over the query heads, in f64. */
import { type AttentionOptions, type AttentionShape, attentionLogit, sees } from "./attention.ts";

/**
 * A, the head mean over the query heads of the uninhibited attention (pass 1), 0 where a row does not see a key.
 * "logits" is the paper read literally: the head mean of the scaled logits in place of the softmax weights.
 *
 * @param q [T, H, D], after RoPE
 * @param k [S, Hk, D], after RoPE
 * @param logSumExp [T, H], from `attention` without a mask; not read for "logits"
 * @returns [T, S]
 */
export function headMeanAttention(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  logSumExp: ArrayLike<number>,
  shape: AttentionShape,
  options: AttentionOptions,
  scores: "weights" | "logits" = "weights",
): Float64Array {
  const { heads, keyHeads, headWidth } = shape;
  const rows = q.length / (heads * headWidth);
  const keys = k.length / (keyHeads * headWidth);
  const mean = new Float64Array(rows * keys);
  for (let t = 0; t < rows; t++)
    for (let s = 0; s < keys; s++) {
      if (!sees(t, s, options)) continue;
      let sum = 0;
      for (let h = 0; h < heads; h++) {
        const logit = attentionLogit(q, k, t, s, h, shape, options.scale, options.cap);
        sum += scores === "logits" ? logit : Math.exp(logit - logSumExp[t * heads + h]!);
      }
      mean[t * keys + s] = sum / heads;
    }
  return mean;
}
