/** Rotary position embedding in the rotate-half layout of Hugging Face (component d pairs with d + D/2), in f64. */

/** theta^(-2 d / D), [D/2]: the frequencies of a model whose context was never stretched. */
export function plainFrequencies(headWidth: number, theta: number): number[] {
  return Array.from({ length: headWidth / 2 }, (_, d) => theta ** ((-2 * d) / headWidth));
}

/**
 * Turns each pair (x[d], x[d + D/2]) by the angle `position * frequencies[d]` and stretches it by `factor`. A row has a
 * position on each axis (M-RoPE: time, row and column), and each pair turns by that of its axis.
 *
 * @param x [T, H, D]
 * @param positions [axes, T]
 * @param frequencies [D/2]
 * @param axisOfPair [D/2]; default axis 0 for every pair
 * @param headWidth of heads that are wider than what turns: their other channels stay
 * @returns [T, H, D]
 */
export function rope(
  x: ArrayLike<number>,
  positions: ArrayLike<number>,
  frequencies: readonly number[],
  {
    axisOfPair = frequencies.map(() => 0),
    factor = 1,
    headWidth = 2 * frequencies.length,
  }: { axisOfPair?: readonly number[] | undefined; factor?: number; headWidth?: number } = {},
): Float64Array {
  const half = frequencies.length;
  const axes = Math.max(...axisOfPair) + 1;
  const rows = positions.length / axes;
  const heads = x.length / (rows * headWidth);
  const y = Float64Array.from(x);
  for (let t = 0; t < rows; t++) {
    for (let h = 0; h < heads; h++) {
      const start = (t * heads + h) * headWidth;
      for (let d = 0; d < half; d++) {
        const angle = positions[axisOfPair[d]! * rows + t]! * frequencies[d]!;
        const low = x[start + d]!;
        const high = x[start + d + half]!;
        y[start + d] = factor * (low * Math.cos(angle) - high * Math.sin(angle));
        y[start + d + half] = factor * (high * Math.cos(angle) + low * Math.sin(angle));
      }
    }
  }
  return y;
}
