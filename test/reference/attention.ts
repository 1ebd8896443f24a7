/** Softmax attention with grouped queries, key ranges and an inhibition mask, in f64. Forms one row of logits at a time. */
import { softCap } from "./soft-cap.ts";

export interface AttentionShape {
  /** H, query heads. */
  heads: number;
  /** Hk, key and value heads; query head h reads key head floor(h / (H / Hk)). */
  keyHeads: number;
  /** D, width of a head. */
  headWidth: number;
}

export interface AttentionOptions {
  /** Factor on q k^T; default 1 / sqrt(D). */
  scale?: number;
  /** Of a soft cap on the scaled logits; 0, the default, is none. */
  cap?: number | undefined;
  /** [T, 2], the half-open range of keys that each row sees; default all keys. A range may be empty or end past S. */
  visible?: ArrayLike<number> | undefined;
  /** [T, S], 1 where a pair is at -inf in all heads. */
  inhibited?: ArrayLike<number> | undefined;
}

/** True if row `t` sees key `s` before any inhibition. */
export function sees(t: number, s: number, { visible }: AttentionOptions): boolean {
  return !visible || (s >= visible[2 * t]! && s < visible[2 * t + 1]!);
}

/** The scaled and capped logit of query row `t` and key `s` in query head `h`; q is [T, H, D], k is [S, Hk, D]. */
export function attentionLogit(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  t: number,
  s: number,
  h: number,
  shape: AttentionShape,
  scale = 1 / Math.sqrt(shape.headWidth),
  cap = 0,
): number {
  const { heads, keyHeads, headWidth } = shape;
  const queryStart = (t * heads + h) * headWidth;
  const keyStart = (s * keyHeads + Math.floor((h * keyHeads) / heads)) * headWidth;
  let dot = 0;
  for (let d = 0; d < headWidth; d++) dot += q[queryStart + d]! * k[keyStart + d]!;
  return softCap(dot * scale, cap);
}

/**
 * `softmax(q k^T * scale, unseen and inhibited pairs at -inf) v`.
 * A row and head with nothing left gives zeros and a log-sum-exp of -Infinity.
 *
 * @param q [T, H, D]
 * @param k [S, Hk, D]
 * @param v [S, Hk, D]
 * @returns output [T, H, D]; logSumExp [T, H], the natural log of the sum of exp(logit) over what took part
 */
export function attention(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  shape: AttentionShape,
  options: AttentionOptions = {},
): { output: Float64Array; logSumExp: Float64Array } {
  const { heads, keyHeads, headWidth } = shape;
  const rows = q.length / (heads * headWidth);
  const keys = k.length / (keyHeads * headWidth);
  const output = new Float64Array(rows * heads * headWidth);
  const logSumExp = new Float64Array(rows * heads).fill(Number.NEGATIVE_INFINITY);
  const logits = new Float64Array(keys);

  for (let t = 0; t < rows; t++) {
    for (let h = 0; h < heads; h++) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let s = 0; s < keys; s++) {
        const takesPart = sees(t, s, options) && !options.inhibited?.[t * keys + s];
        logits[s] = takesPart
          ? attentionLogit(q, k, t, s, h, shape, options.scale, options.cap)
          : Number.NEGATIVE_INFINITY;
        largest = Math.max(largest, logits[s]!);
      }
      if (largest === Number.NEGATIVE_INFINITY) continue;

      let sum = 0;
      for (let s = 0; s < keys; s++) sum += Math.exp(logits[s]! - largest);
      logSumExp[t * heads + h] = largest + Math.log(sum);

      const outputStart = (t * heads + h) * headWidth;
      for (let s = 0; s < keys; s++) {
        const weight = Math.exp(logits[s]! - largest) / sum;
        const valueStart = (s * keyHeads + Math.floor((h * keyHeads) / heads)) * headWidth;
        for (let d = 0; d < headWidth; d++) output[outputStart + d]! += weight * v[valueStart + d]!;
      }
    }
  }
  return { output, logSumExp };
}
