/** Rotary position embedding in the rotate-half layout of Hugging Face (component d pairs with d + D/2), in f64. */

/**
 * Turns each pair (x[d], x[d + D/2]) by the angle `position * theta^(-2 d / D)`. A row has a position on each axis
 * (M-RoPE: time, row and column), and each pair turns by that of its axis.
 *
 * @param x [T, H, D], D even
 * @param positions [axes, T]
 * @param axisOfPair [D/2]; default axis 0 for every pair
 * @returns [T, H, D]
 */
export function rope(
  x: ArrayLike<number>,
  positions: ArrayLike<number>,
  headWidth: number,
  theta: number,
  axisOfPair: readonly number[] = new Array<number>(headWidth / 2).fill(0),
): Float64Array {
  const axes = Math.max(...axisOfPair) + 1;
  const rows = positions.length / axes;
  const heads = x.length / (rows * headWidth);
  const half = headWidth / 2;
  const y = new Float64Array(x.length);
  for (let t = 0; t < rows; t++) {
    for (let h = 0; h < heads; h++) {
      const start = (t * heads + h) * headWidth;
      for (let d = 0; d < half; d++) {
        const angle = positions[axisOfPair[d]! * rows + t]! * theta ** ((-2 * d) / headWidth);
        const low = x[start + d]!;
        const high = x[start + d + half]!;
        y[start + d] = low * Math.cos(angle) - high * Math.sin(angle);
        y[start + d + half] = high * Math.cos(angle) + low * Math.sin(angle);
      }
    }
  }
  return y;
}
