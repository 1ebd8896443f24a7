/** The gate of a Llama MLP, in f64. */
import { activate } from "./activation.ts";

/**
 * `silu(gate) * up`, element by element.
 *
 * @param gate [T, F]
 * @param up [T, F]
 * @returns [T, F]
 */
export function siluGate(gate: ArrayLike<number>, up: ArrayLike<number>): Float64Array {
  const y = new Float64Array(gate.length);
  for (let i = 0; i < gate.length; i++) y[i] = activate(gate[i]!, "silu") * up[i]!;
  return y;
}
