/** LayerScale, in f64 (Touvron et al. 2021). */

/**
 * @param x [T, C]
 * @param scale [C]
 * @param y [T, C]
 * @returns y + scale * x, [T, C]
 */
export function addScaled(x: ArrayLike<number>, scale: ArrayLike<number>, y: ArrayLike<number>): Float64Array {
  return Float64Array.from(y, (value, i) => value + scale[i % scale.length]! * x[i]!);
}
