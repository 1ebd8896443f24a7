/** A grouped matrix as it lies in its buffer, one value at a time: gpu/tensor.ts says the layout, formats.md the product. */
import { f16ToNumber } from "./weight-unpack.ts";

interface Layout {
  bits: 4 | 5 | 6 | 8;
  group: number;
  scales: "f16" | "f32" | "nested";
  bias: "none" | "zeros" | "free";
  origin: number;
  levels?: { readonly values: readonly number[] };
}

/** f16 scales and biases are stored in these parts of 1. */
const SCALE_UNITS = 256;

/** Weights that share a record of nested scales. */
const NEST = 256;

/** The values of a matrix of `count` weights: integers first, then scales or pairs. */
export function unpackGrouped(words: Uint32Array, count: number, layout: Layout): Float64Array {
  const { bits, group, scales, bias, origin, levels } = layout;
  const bytes = new DataView(words.buffer, words.byteOffset, words.byteLength);
  const plane = (count * bits) / 8;
  const units = scales === "f16" ? SCALE_UNITS : 1;
  const numbers = bias === "none" ? 1 : 2;
  /** The scale of a weight's group, or the number that is paired with it. */
  const number = (i: number, second: 0 | 1) => {
    const of = Math.floor(i / group);
    if (scales === "f16") return f16ToNumber(bytes.getUint16(plane + 2 * (numbers * of + second), true));
    if (scales === "f32") return bytes.getFloat32(plane + 4 * (numbers * of + second), true);
    const record = plane + Math.floor(i / NEST) * numbers * (4 + NEST / group);
    const inside = of % (NEST / group);
    return (
      bytes.getFloat32(record + 4 * second, true) * bytes.getInt8(record + 4 * numbers + numbers * inside + second)
    );
  };
  const integer = (i: number) => {
    if (bits === 8) return bytes.getInt8(i);
    const nibble = (bytes.getUint8(i >> 1) >> (4 * (i % 2))) & 15;
    if (levels) return levels.values[nibble]!;
    let value = nibble;
    for (let bit = 4; bit < bits; bit++) {
      const at = i * (bits - 4) + bit - 4;
      value += 2 ** bit * ((bytes.getUint8(count / 2 + (at >> 3)) >> (at % 8)) % 2);
    }
    return value - 2 ** (bits - 1);
  };
  return Float64Array.from({ length: count }, (_, i) => {
    const scale = number(i, 0) / units;
    if (bias === "none") return integer(i) * scale;
    const second = number(i, 1);
    return bias === "zeros" ? (integer(i) + second) * scale : (integer(i) - origin) * scale + second / units;
  });
}
