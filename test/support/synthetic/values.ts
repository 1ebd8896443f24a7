/**
 * Values of random tensors, any range of them at any time and at the speed of a copy. A tensor repeats one block of
 * random values from a place of its own on; checkpoint.ts chooses each tensor's values.
 *
 * Random enough: the block's length is a prime, longer than any row. A row of length C is a window of the block, and
 * rows overlap only after about 2^20 / C of them, then shifted by a number that is no multiple of C. Rows are therefore
 * all different, and two of them are as uncorrelated as two windows of one noise: their cosine is about 1 / sqrt(C), as
 * for independent ones. Groups of 32 neighbours, which share a scale when packed, are cut elsewhere at each repetition.
 * These values are not a model: they show nothing about accuracy.
 */
import type { ReadableDtype } from "../../../src/weights/dtype.ts";

/** The largest prime below 2^20: the block's length in elements. */
export const BLOCK_ELEMENTS = 1_048_573;

/** Mean and standard deviation. */
export interface Distribution {
  mean: number;
  deviation: number;
}

export const ELEMENT_BYTES: Record<ReadableDtype, number> = { F32: 4, F16: 2, BF16: 2 };

/** A word that looks random, of a counter; the same for the same one (the finaliser of MurmurHash3). */
function hash(counter: number): number {
  let z = counter | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** A number of a text, for places in the block. */
function hashText(text: string, seed: number): number {
  let z = seed | 0;
  for (let i = 0; i < text.length; i++) z = hash(Math.imul(z, 31) + text.charCodeAt(i));
  return z >>> 0;
}

/** About standard normal and never beyond 3.5: the sum of four uniform numbers of 16 bits. */
function unitNormals(seed: number): Float32Array {
  const values = new Float32Array(BLOCK_ELEMENTS);
  for (let i = 0; i < values.length; i++) {
    const a = hash(seed + 2 * i);
    const b = hash(seed + 2 * i + 1);
    values[i] = (((a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16)) / 65536 - 2) * Math.sqrt(3);
  }
  return values;
}

/** The bits of an f16, rounded to the nearest; for magnitudes up to 65504. */
export function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent < -10) return sign;
  // A subnormal f16: the hidden bit moves into the fraction.
  const shift = exponent > 0 ? 13 : 14 - exponent;
  const whole = exponent > 0 ? (exponent << 23) | fraction : fraction | 0x800000;
  const rest = whole & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const up = rest > half || (rest === half && (whole >>> shift) & 1) ? 1 : 0;
  return sign | ((whole >>> shift) + up);
}

function brainBits(bits: number): number {
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Blocks of one seed, each made when it is first asked for. */
export class RandomValues {
  readonly #seed: number;
  readonly #units: Float32Array;
  readonly #blocks = new Map<string, Uint8Array>();

  constructor(seed: number) {
    this.#seed = seed;
    this.#units = unitNormals(Math.imul(seed, 0x9e3779b1));
  }

  /** Fills `target` with the bytes of a tensor from byte `start` on. */
  fill(target: Uint8Array, tensor: { name: string; dtype: ReadableDtype } & Distribution, start: number): void {
    const block = this.#block(tensor.dtype, tensor);
    const place = (hashText(tensor.name, this.#seed) % BLOCK_ELEMENTS) * ELEMENT_BYTES[tensor.dtype];
    let from = (place + start) % block.byteLength;
    for (let at = 0; at < target.byteLength; ) {
      const piece = block.subarray(from, from + target.byteLength - at);
      target.set(piece, at);
      at += piece.byteLength;
      from = 0;
    }
  }

  #block(dtype: ReadableDtype, { mean, deviation }: Distribution): Uint8Array {
    const key = `${dtype} ${mean} ${deviation}`;
    const known = this.#blocks.get(key);
    if (known) return known;
    const floats = this.#units.map((unit) => mean + deviation * unit);
    const block = dtype === "F32" ? floats : inHalves(floats, dtype === "F16" ? halfBits : brainBits);
    const bytes = new Uint8Array(block.buffer);
    this.#blocks.set(key, bytes);
    return bytes;
  }
}

function inHalves(floats: Float32Array, convert: (bits: number) => number): Uint16Array {
  const words = new Uint32Array(floats.buffer);
  const f16 = new Uint16Array(words.length);
  for (let i = 0; i < words.length; i++) f16[i] = convert(words[i]!);
  return f16;
}
