/** A grouped matrix as it lies in its buffer, one value at a time: gpu/tensor.ts says the layout, formats.md the product. */
import { f16ToNumber } from "./weight-unpack.ts";

interface Layout {
  bits: 4 | 8;
  group: number;
  scales: "f16" | "f32";
  bias: "none" | "zeros" | "free";
  origin: number;
}

/** f16 scales and biases are stored in these parts of 1. */
const SCALE_UNITS = 256;

/** The values of a matrix of `count` weights: integers first, then scales or pairs. */
export function unpackGrouped(words: Uint32Array, count: number, layout: Layout): Float64Array {
  const { bits, group, scales, bias, origin } = layout;
  const bytes = new DataView(words.buffer, words.byteOffset, words.byteLength);
  const plane = (count * bits) / 8;
  const number = (index: number) =>
    scales === "f16"
      ? f16ToNumber(bytes.getUint16(plane + 2 * index, true))
      : bytes.getFloat32(plane + 4 * index, true);
  const units = scales === "f16" ? SCALE_UNITS : 1;
  return Float64Array.from({ length: count }, (_, i) => {
    const of = Math.floor(i / group);
    const integer = bits === 8 ? bytes.getInt8(i) : ((bytes.getUint8(i >> 1) >> (4 * (i % 2))) & 15) - 8;
    if (bias === "none") return (integer * number(of)) / units;
    const scale = number(2 * of) / units;
    const second = number(2 * of + 1);
    return bias === "zeros" ? (integer + second) * scale : (integer - origin) * scale + second / units;
  });
}
