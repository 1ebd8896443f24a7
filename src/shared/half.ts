/** Numbers as f16, for what the CPU writes into buffers. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The largest finite f16. */
export const LARGEST_HALF = 65504;

/** The bits of the f16 next to a number of f32, of two the even one. Too large a number becomes infinite. */
export function halfBits(value: number): number {
  float[0] = value;
  const word = bits[0]!;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude >= 0x7f800000) return sign | 0x7c00 | Number(magnitude > 0x7f800000);
  // From the middle between 65504 and 65536 on.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  // Subnormal: in units of 2^-24, by an addition that rounds to even.
  float[0] = Math.abs(value) + 0.5;
  return sign | (bits[0]! - 0x3f000000);
}

/**
 * The value of f16 bits that are finite. By the bits of an f32: a power for each value took a tenth of a load's
 * scripts.
 */
export function halfValue(half: number): number {
  bits[0] = (half & 0x7fff) << 13;
  // 2^112 is between the two formats' exponents; subnormal numbers come out right, too.
  const size = float[0]! * 2 ** 112;
  return half & 0x8000 ? -size : size;
}
