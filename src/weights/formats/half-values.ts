/** f16 to f32 by a table: rows have a scale in every group, and a file millions of groups. */

let values: Float32Array | undefined;

/** The values of all 65,536 f16, by their bits; infinite and NaN ones too. Made at the first call; do not write to it. */
export function halfValues(): Float32Array {
  values ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  });
  return values;
}
