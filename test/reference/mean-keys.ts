/** Keys averaged over the heads, in f64. */

/** Head mean of the keys: [N, H, D] -> [N, D]. */
export function meanKeys(keys: ArrayLike<number>, heads: number, headWidth: number): Float64Array {
  const mean = new Float64Array(keys.length / heads);
  for (let i = 0; i < keys.length; i++) {
    const token = Math.floor(i / (heads * headWidth));
    mean[token * headWidth + (i % headWidth)]! += keys[i]! / heads;
  }
  return mean;
}
