/** The gate of a decoder's MLP, in f64. */
import { type Activation, activate } from "./activation.ts";

/**
 * `activation(gate) * up`, element by element.
 *
 * @param gate [T, F]
 * @param up [T, F]
 * @returns [T, F]
 */
export function gate(gate: ArrayLike<number>, up: ArrayLike<number>, activation: Activation = "silu"): Float64Array {
  const y = new Float64Array(gate.length);
  for (let i = 0; i < gate.length; i++) y[i] = activate(gate[i]!, activation) * up[i]!;
  return y;
}
