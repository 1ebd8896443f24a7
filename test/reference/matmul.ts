/** A linear layer in f64, with the epilogues that the GPU kernel fuses. */
import { type Activation, activate } from "./activation.ts";

export interface MatmulOptions {
  /** [N] */
  bias?: ArrayLike<number> | undefined;
  /** Applied after the bias; default "none". */
  activation?: Activation;
  /** [T, N], added after the activation. */
  residual?: ArrayLike<number>;
}

/**
 * `y = activation(x W^T + bias) + residual`.
 *
 * @param x [T, K]
 * @param weight [N, K], the layout of a Hugging Face linear layer
 * @param inner K
 * @returns [T, N]
 */
export function matmul(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  inner: number,
  options: MatmulOptions = {},
): Float64Array {
  const { bias, activation = "none", residual } = options;
  const rows = x.length / inner;
  const cols = weight.length / inner;
  const y = new Float64Array(rows * cols);
  for (let t = 0; t < rows; t++) {
    for (let n = 0; n < cols; n++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += x[t * inner + k]! * weight[n * inner + k]!;
      const value = activate(sum + (bias ? bias[n]! : 0), activation);
      y[t * cols + n] = value + (residual ? residual[t * cols + n]! : 0);
    }
  }
  return y;
}
