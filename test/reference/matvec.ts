/** The decoder's matrix-vector product: `matmul` of one row. It has its own kernel, hence its own name here. */
import { type MatmulOptions, matmul } from "./matmul.ts";

/**
 * `y = activation(W x + bias) + residual`.
 *
 * @param x [K]
 * @param weight [N, K]
 * @returns [N]
 */
export function matvec(x: ArrayLike<number>, weight: ArrayLike<number>, options: MatmulOptions = {}): Float64Array {
  return matmul(x, weight, x.length, options);
}
