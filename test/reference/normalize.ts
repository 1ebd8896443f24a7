/** Bytes of a picture to the encoder's input numbers. */

/**
 * `(value / 255 - mean) / std` per channel, from interleaved bytes to planes.
 *
 * @param rgb [H, W, 3], 0 to 255
 * @param mean per channel, of values scaled to 0..1
 * @param std per channel
 * @returns planar [3, H, W]
 */
export function normalize(rgb: ArrayLike<number>, mean: readonly number[], std: readonly number[]): Float64Array {
  const count = rgb.length / 3;
  const planes = new Float64Array(rgb.length);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < count; i++) {
      planes[channel * count + i] = (rgb[i * 3 + channel]! / 255 - mean[channel]!) / std[channel]!;
    }
  }
  return planes;
}
