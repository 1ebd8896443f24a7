/** A depthwise causal convolution with SiLU, in f64. */
import { activate } from "./activation.ts";

/**
 * `silu(conv(x))` over all rows from the first, with zeros before it.
 *
 * @param x [T, C]
 * @param weight [C, taps], the last one for the row itself
 * @returns [T, C]
 */
export function causalConv(x: ArrayLike<number>, weight: ArrayLike<number>, width: number): Float64Array {
  const taps = weight.length / width;
  const y = new Float64Array(x.length);
  for (let t = 0; t < x.length / width; t++)
    for (let c = 0; c < width; c++) {
      let sum = 0;
      for (let j = 0; j < taps; j++) {
        const row = t - (taps - 1) + j;
        if (row >= 0) sum += weight[c * taps + j]! * x[row * width + c]!;
      }
      y[t * width + c] = activate(sum, "silu");
    }
  return y;
}
