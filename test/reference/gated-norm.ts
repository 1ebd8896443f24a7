/** RMS norms of heads times a gate, in f64. */
import { activate } from "./activation.ts";
import { rmsNorm } from "./rms-norm.ts";

/**
 * `rms(x) * weight * silu(gate)`, head by head.
 *
 * @param x [T, H D]
 * @param gate [T, H D]
 * @param weight [D]
 * @returns [T, H D]
 */
export function gatedNorm(
  x: ArrayLike<number>,
  gate: ArrayLike<number>,
  weight: ArrayLike<number>,
  eps: number,
): Float64Array {
  return rmsNorm(x, weight, eps).map((value, i) => value * activate(gate[i]!, "silu"));
}
