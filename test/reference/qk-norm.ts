/** Norms of queries and keys, in f64. */
import { layerNorm } from "./layer-norm.ts";
import { rmsNorm } from "./rms-norm.ts";

export interface QkNorms {
  queryWeight: ArrayLike<number>;
  keyWeight: ArrayLike<number>;
  queryBias?: ArrayLike<number>;
  keyBias?: ArrayLike<number>;
  eps: number;
}

/**
 * Norms spans of channels of each row, as wide as the weights: those of the queries, then those of the keys. Values stay.
 * With biases the norms are layer norms, without them RMS norms.
 *
 * @param qkv [T, (H + 2 Hk) D]
 * @returns [T, (H + 2 Hk) D]
 */
export function qkNorm(
  qkv: ArrayLike<number>,
  { queryWeight, keyWeight, queryBias, keyBias, eps }: QkNorms,
  { rows, queries, keys }: { rows: number; queries: number; keys: number },
): Float64Array {
  const y = Float64Array.from(qkv);
  const stride = qkv.length / rows;
  for (let t = 0; t < rows; t++) {
    const row = y.subarray(t * stride, (t + 1) * stride);
    // The norms take as many rows as there are spans.
    row.set(norm(row.slice(0, queries), queryWeight, queryBias, eps));
    row.set(norm(row.slice(queries, queries + keys), keyWeight, keyBias, eps), queries);
  }
  return y;
}

function norm(x: Float64Array, weight: ArrayLike<number>, bias: ArrayLike<number> | undefined, eps: number) {
  return bias ? layerNorm(x, weight, bias, eps) : rmsNorm(x, weight, eps);
}
