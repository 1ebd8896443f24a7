/** Half-precision bit patterns as numbers, one at a time. Not a tensor reader: see model/weights.ts. */

/** The value of an IEEE 754 binary16 pattern: 1 sign, 5 exponent, 10 fraction bits. */
export function f16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The nearest value of a binary16, of two the even one; what is too large for one stays. */
export function roundToF16(value: number): number {
  const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value)))) - 10);
  const below = Math.floor(value / unit);
  const rest = value / unit - below;
  return (below + Number(rest > 0.5 || (rest === 0.5 && below % 2 !== 0))) * unit;
}

/** The value of a bfloat16 pattern: the upper half of a binary32, 1 sign, 8 exponent, 7 fraction bits. */
export function bf16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 7) & 0xff;
  const fraction = bits & 0x7f;
  if (exponent === 0xff) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -133;
  return sign * (1 + fraction / 128) * 2 ** (exponent - 127);
}
