/**
 * Decodes the block types of GGUF with 32 elements to packed rows. Exact: integers and scales as they are stored.
 * Layouts: ggml-common.h and ggml-quants.c of ggml. super-blocks.ts has the blocks of 256.
 */
import type { Levels } from "../../../shared/levels.ts";
import { halfValues } from "../half-values.ts";
import type { PackedRows } from "../packed-rows.ts";
import { iq4Xs, q4K, q5K, q6K, splitNibbles } from "./super-blocks.ts";
import type { PackedTypeName } from "./tensor-types.ts";
import { halvesOf } from "./words.ts";

/** Whole blocks of whole rows to packed rows; `bytes` holds nothing else. */
export type Decode = (bytes: Uint8Array) => PackedRows;

/** The nibbles of the IQ4 types, and a polynomial that is nowhere further from them than 0.44. */
export const IQ4_LEVELS: Levels = {
  values: [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
  curve: [-4.3, 11.517, -0.1372, 0.07867, 0.001586],
};

export const DECODERS: Readonly<Record<PackedTypeName, Decode>> = {
  Q4_0: (bytes) => nibbles(bytes, 18),
  Q4_1: (bytes) => nibbles(bytes, 20),
  Q5_0: (bytes) => nibbles(bytes, 22),
  Q5_1: (bytes) => nibbles(bytes, 24),
  Q8_0: q8,
  IQ4_NL: (bytes) => ({ ...nibbles(bytes, 18), levels: IQ4_LEVELS }),
  IQ4_XS: (bytes) => iq4Xs(bytes, IQ4_LEVELS),
  Q4_K: q4K,
  Q5_K: q5K,
  Q6_K: q6K,
};

const GROUP = 32;

/**
 * Blocks that end in 16 bytes of nibbles. Before them lie the f16 scale, perhaps an f16 minimum, and with 5 bits a word
 * of the fifth ones. The minimum is the value of the least integer.
 */
function nibbles(bytes: Uint8Array, blockBytes: 18 | 20 | 22 | 24): PackedRows {
  const hasHigh = blockBytes >= 22;
  const hasBias = blockBytes === 20 || blockBytes === 24;
  const blocks = bytes.byteLength / blockBytes;
  const halves = halvesOf(bytes);
  const integers = new Uint32Array(blocks * 4);
  const high = new Uint16Array(hasHigh ? blocks * 2 : 0);
  const scales = new Float32Array(blocks);
  const biases = new Float32Array(hasBias ? blocks : 0);
  const values = halfValues();
  for (let block = 0; block < blocks; block++) {
    const at = (block * blockBytes) / 2;
    scales[block] = values[halves[at]!]!;
    if (hasBias) biases[block] = values[halves[at + 1]!]!;
    const first = at + blockBytes / 2 - 8;
    if (hasHigh) {
      high[2 * block] = halves[first - 2]!;
      high[2 * block + 1] = halves[first - 1]!;
    }
    splitNibbles(halves, first, integers, block * 4);
  }
  return {
    bits: hasHigh ? 5 : 4,
    group: GROUP,
    integers: new Uint8Array(integers.buffer),
    scales,
    ...(hasHigh && { high: new Uint8Array(high.buffer) }),
    ...(hasBias && { biases, origin: hasHigh ? -16 : -8 }),
  };
}

function q8(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 34;
  const halves = halvesOf(bytes);
  const integers = new Uint16Array(blocks * 16);
  const scales = new Float32Array(blocks);
  const values = halfValues();
  for (let block = 0; block < blocks; block++) {
    const at = block * 17;
    scales[block] = values[halves[at]!]!;
    // A copy two bytes at a time is faster than subarray and set for 32 bytes.
    for (let j = 0; j < 16; j++) integers[block * 16 + j] = halves[at + 1 + j]!;
  }
  return { bits: 8, group: GROUP, integers: new Uint8Array(integers.buffer), scales };
}
