/** RMS norms of queries and keys, in f64. */
import { rmsNorm } from "./rms-norm.ts";

/**
 * Norms spans of channels of each row, as wide as the weights: those of the queries, then those of the keys. Values stay.
 *
 * @param qkv [T, (H + 2 Hk) D]
 * @returns [T, (H + 2 Hk) D]
 */
export function qkNorm(
  qkv: ArrayLike<number>,
  { queryWeight, keyWeight, eps }: { queryWeight: ArrayLike<number>; keyWeight: ArrayLike<number>; eps: number },
  { rows, queries, keys }: { rows: number; queries: number; keys: number },
): Float64Array {
  const y = Float64Array.from(qkv);
  const stride = qkv.length / rows;
  for (let t = 0; t < rows; t++) {
    const row = y.subarray(t * stride, (t + 1) * stride);
    // `rmsNorm` takes as many rows as there are spans.
    row.set(rmsNorm(row.slice(0, queries), queryWeight, eps));
    row.set(rmsNorm(row.slice(queries, queries + keys), keyWeight, eps), queries);
  }
  return y;
}
