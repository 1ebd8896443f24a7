/**
 * Decodes the block types of GGUF with 32 elements, and the IQ4 types, to packed rows. Exact: integers as they are stored,
 * scales as the products that ggml computes in f32. Layouts: ggml-common.h and ggml-quants.c of ggml.
 */
import type { PackedRows } from "../packed-rows.ts";
import { halfToFloat } from "./half.ts";
import { q4K, q5K, q6K } from "./super-blocks.ts";
import type { PackedTypeName } from "./tensor-types.ts";

/** Whole blocks of whole rows to packed rows; `bytes` holds nothing else. */
export type Decode = (bytes: Uint8Array) => PackedRows;

export const DECODERS: Readonly<Record<PackedTypeName, Decode>> = {
  Q4_0: (bytes) => nibbles(bytes, 18),
  Q4_1: (bytes) => nibbles(bytes, 20),
  Q5_0: (bytes) => fives(bytes, 22),
  Q5_1: (bytes) => fives(bytes, 24),
  Q8_0: q8,
  IQ4_NL: iq4Nl,
  IQ4_XS: iq4Xs,
  Q4_K: q4K,
  Q5_K: q5K,
  Q6_K: q6K,
};

const GROUP = 32;

/**
 * Q4_0 and Q4_1: byte j of 16 holds elements j and j + 16. With a minimum m, a value q d + m is (q - 8) d + (m + 8 d).
 */
function nibbles(bytes: Uint8Array, blockBytes: 18 | 20): PackedRows {
  const blocks = bytes.byteLength / blockBytes;
  const integers = new Uint8Array(blocks * 16);
  const scales = new Float32Array(blocks);
  const biases = blockBytes === 20 ? new Float32Array(blocks) : undefined;
  const first = blockBytes - 16;
  for (let block = 0; block < blocks; block++) {
    const at = block * blockBytes;
    const scale = halfToFloat(bytes, at);
    scales[block] = scale;
    if (biases) biases[block] = halfToFloat(bytes, at + 2) + 8 * scale;
    const to = block * 16;
    for (let j = 0; j < 8; j++) {
      const a = bytes[at + first + 2 * j]!;
      const b = bytes[at + first + 2 * j + 1]!;
      integers[to + j] = (a & 15) | ((b & 15) << 4);
      integers[to + 8 + j] = (a >> 4) | (b & 0xf0);
    }
  }
  return { bits: 4, group: GROUP, integers, scales, ...(biases && { biases }) };
}

/** Q5_0 and Q5_1: nibbles, and a fifth bit of each element in a word of 32 bits. */
function fives(bytes: Uint8Array, blockBytes: 22 | 24): PackedRows {
  const blocks = bytes.byteLength / blockBytes;
  const integers = new Uint8Array(blocks * GROUP);
  const scales = new Float32Array(blocks);
  const biases = blockBytes === 24 ? new Float32Array(blocks) : undefined;
  for (let block = 0; block < blocks; block++) {
    const at = block * blockBytes;
    const scale = halfToFloat(bytes, at);
    scales[block] = scale;
    if (biases) biases[block] = halfToFloat(bytes, at + 2) + 16 * scale;
    const first = at + blockBytes - 16;
    const low = bytes[first - 4]! | (bytes[first - 3]! << 8);
    const high = bytes[first - 2]! | (bytes[first - 1]! << 8);
    const to = block * GROUP;
    for (let j = 0; j < 16; j++) {
      const pair = bytes[first + j]!;
      integers[to + j] = ((pair & 15) | (((low >> j) & 1) << 4)) - 16;
      integers[to + 16 + j] = ((pair >> 4) | (((high >> j) & 1) << 4)) - 16;
    }
  }
  return { bits: 8, group: GROUP, integers, scales, ...(biases && { biases }) };
}

function q8(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 34;
  const integers = new Uint8Array(blocks * GROUP);
  const scales = new Float32Array(blocks);
  for (let block = 0; block < blocks; block++) {
    const at = block * 34;
    scales[block] = halfToFloat(bytes, at);
    // A copy byte by byte is faster than subarray and set for 32 bytes.
    for (let j = 0; j < GROUP; j++) integers[block * GROUP + j] = bytes[at + 2 + j]!;
  }
  return { bits: 8, group: GROUP, integers, scales };
}

/** Values of the 16 nibbles of the IQ4 types. */
const IQ4_VALUES = Uint8Array.from(
  [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
  (value) => value & 255,
);

function iq4Nl(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 18;
  const integers = new Uint8Array(blocks * GROUP);
  const scales = new Float32Array(blocks);
  for (let block = 0; block < blocks; block++) {
    const at = block * 18;
    scales[block] = halfToFloat(bytes, at);
    lookUp(bytes, at + 2, integers, block * GROUP);
  }
  return { bits: 8, group: GROUP, integers, scales };
}

/** A block of 256: 8 groups whose scales are 6 bits, less 32, times d. */
function iq4Xs(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 136;
  const integers = new Uint8Array(blocks * 256);
  const scales = new Float32Array(blocks * 8);
  for (let block = 0; block < blocks; block++) {
    const at = block * 136;
    const scale = halfToFloat(bytes, at);
    const high = bytes[at + 2]! | (bytes[at + 3]! << 8);
    for (let group = 0; group < 8; group++) {
      const low = (bytes[at + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
      scales[block * 8 + group] = scale * ((low | (((high >> (2 * group)) & 3) << 4)) - 32);
      lookUp(bytes, at + 8 + group * 16, integers, block * 256 + group * GROUP);
    }
  }
  return { bits: 8, group: GROUP, integers, scales };
}

/** 16 bytes: byte j holds elements j and j + 16. */
function lookUp(bytes: Uint8Array, from: number, integers: Uint8Array, to: number): void {
  for (let j = 0; j < 16; j++) {
    const pair = bytes[from + j]!;
    integers[to + j] = IQ4_VALUES[pair & 15]!;
    integers[to + 16 + j] = IQ4_VALUES[pair >> 4]!;
  }
}
