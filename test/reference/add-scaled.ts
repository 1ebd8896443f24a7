/** LayerScale (Touvron et al. 2021) and gates (Alayrac et al. 2022), in f64. */

/**
 * @param x [T, C]
 * @param scale [C], or [1] for all channels
 * @param y [T, C]
 * @param isGate the factors are the tanh of `scale`
 * @returns y + scale * x, [T, C]
 */
export function addScaled(
  x: ArrayLike<number>,
  scale: ArrayLike<number>,
  y: ArrayLike<number>,
  isGate = false,
): Float64Array {
  const factor = (i: number) => (isGate ? Math.tanh(scale[i % scale.length]!) : scale[i % scale.length]!);
  return Float64Array.from(y, (value, i) => value + factor(i) * x[i]!);
}
