/** Reads and writes the integers and numbers of packed tensors. Everything is little-endian, as in the files. */
import type { TensorEntry } from "../../safetensors.ts";
import { halfValues } from "../half-values.ts";
import { badTensor } from "./packed-tensor.ts";

/**
 * The numbers of a tensor as f32; every F16 and BF16 is one.
 *
 * @param entry the tensor
 * @throws FoveaError `bad-weights` for a number that is NaN or infinite
 */
export function readNumbers(bytes: Uint8Array, { name, dtype }: Pick<TensorEntry, "name" | "dtype">): Float32Array {
  if (dtype === "F32") return finite(new Float32Array(bytes.slice().buffer), name);
  const count = bytes.byteLength / 2;
  const { buffer, byteOffset } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  const stored = new Uint16Array(buffer, byteOffset, count);
  const numbers = new Float32Array(count);
  if (dtype === "F16") {
    const table = halfValues();
    for (let i = 0; i < count; i++) numbers[i] = table[stored[i]!]!;
  } else {
    const bits = new Uint32Array(numbers.buffer);
    for (let i = 0; i < count; i++) bits[i] = stored[i]! << 16;
  }
  return finite(numbers, name);
}

/** The numbers, of which none is NaN or infinite: only those do not become 0. */
function finite(numbers: Float32Array, name: string): Float32Array {
  for (let i = 0; i < numbers.length; i++)
    if (numbers[i]! * 0 !== 0) throw badTensor(name, `holds ${numbers[i]} at ${i}; the file is damaged`);
  return numbers;
}

/** Words of 4 bytes, copied so that they may start anywhere. Browsers and Node run on little-endian machines only. */
export function readWords(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

/** Integers of n bits, the lowest bits first and without gaps between them, one in each byte of the result. */
export function readIntegers(bytes: Uint8Array, bits: number, count: number): Uint8Array {
  if (bits === 8) return bytes.slice(0, count);
  const integers = new Uint8Array(count);
  const mask = (1 << bits) - 1;
  for (let i = 0, bit = 0; i < count; i++, bit += bits) {
    const at = bit >> 3;
    integers[i] = ((bytes[at]! | ((bytes[at + 1] ?? 0) << 8)) >> (bit & 7)) & mask;
  }
  return integers;
}

/** Numbers 0 to 15 as nibbles, the lowest first; an even number of them. */
export function writeNibbles(integers: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(integers.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = integers[2 * i]! | (integers[2 * i + 1]! << 4);
  return bytes;
}

/** Numbers of 5 or 6 bits as nibbles, and the bits above those, each the lowest first; a multiple of 8 numbers. */
export function splitIntegers(numbers: Uint8Array, bits: 5 | 6): { integers: Uint8Array; high: Uint8Array } {
  const integers = new Uint8Array(numbers.length / 2);
  const width = bits - 4;
  const high = new Uint8Array((numbers.length * width) / 8);
  for (let i = 0; i < numbers.length; i++) {
    integers[i >> 1]! |= (numbers[i]! & 15) << (4 * (i & 1));
    high[(i * width) >> 3]! |= (numbers[i]! >> 4) << ((i * width) & 7);
  }
  return { integers, high };
}

/** Bytes that count from -128 as bytes in two's complement, in place. */
export function flipSigns(bytes: Uint8Array): Uint8Array {
  for (let i = 0; i < bytes.length; i++) bytes[i]! ^= 0x80;
  return bytes;
}

/**
 * Numbers of groups [rows, ceil(columns / from)] as those of groups of another size [rows, ceil(columns / to)], where
 * `to` divides `from`. Each number is repeated.
 */
export function spreadGroups(numbers: Float32Array, columns: number, from: number, to: number): Float32Array {
  const [before, after] = [Math.ceil(columns / from), Math.ceil(columns / to)];
  if (before === after) return numbers;
  const rows = numbers.length / before;
  const spread = new Float32Array(rows * after);
  for (let row = 0; row < rows; row++)
    for (let group = 0; group < after; group++)
      spread[row * after + group] = numbers[row * before + Math.floor((group * to) / from)]!;
  return spread;
}
