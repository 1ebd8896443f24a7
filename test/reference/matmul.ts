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
  const inputs = splitRows(x, inner);
  const weights = splitRows(weight, inner);
  const y = new Float64Array(inputs.length * weights.length);
  let i = 0;
  for (const input of inputs) {
    for (let n = 0; n < weights.length; n++) {
      const value = activate(dot(input, weights[n]!) + (bias ? bias[n]! : 0), activation);
      y[i] = value + (residual ? residual[i]! : 0);
      i++;
    }
  }
  return y;
}

/** The rows of a matrix, as views where it is f64 already. */
function splitRows(matrix: ArrayLike<number>, width: number): Float64Array[] {
  const all = matrix instanceof Float64Array ? matrix : Float64Array.from(matrix);
  return Array.from({ length: all.length / width }, (_, row) => all.subarray(row * width, (row + 1) * width));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
