/**
 * Decodes the K types of GGUF, blocks of 256 elements with scales of scales, to packed rows. Products of scales are rounded
 * to f32 as ggml does. Layouts: ggml-common.h and ggml-quants.c of ggml.
 */
import type { PackedRows } from "../packed-rows.ts";
import { halfToFloat } from "./half.ts";

const BLOCK = 256;
const GROUPS = 8;

/**
 * Scales and minima of the 8 groups of 32, of 6 bits each in 12 bytes. Writes d * scale to `scales`, and to `biases` the value
 * of an integer 0 that is stored as `zero` less: zero * d * scale - dmin * min.
 */
function groupScales(
  bytes: Uint8Array,
  at: number,
  zero: number,
  scales: Float32Array,
  biases: Float32Array,
  to: number,
): void {
  const scale = halfToFloat(bytes, at);
  const least = halfToFloat(bytes, at + 2);
  for (let group = 0; group < GROUPS; group++) {
    const k = at + 4 + group;
    const isLow = group < 4;
    const six = isLow ? bytes[k]! & 63 : (bytes[k + 4]! & 15) | ((bytes[k - 4]! >> 6) << 4);
    const min = isLow ? bytes[k + 4]! & 63 : (bytes[k + 4]! >> 4) | ((bytes[k]! >> 6) << 4);
    const product = Math.fround(scale * six);
    scales[to + group] = product;
    biases[to + group] = zero * product - Math.fround(least * min);
  }
}

/** Four chunks of 64: byte j of 32 holds elements j and j + 32. */
export function q4K(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 144;
  const integers = new Uint8Array((blocks * BLOCK) / 2);
  const scales = new Float32Array(blocks * GROUPS);
  const biases = new Float32Array(blocks * GROUPS);
  for (let block = 0; block < blocks; block++) {
    const at = block * 144;
    groupScales(bytes, at, 8, scales, biases, block * GROUPS);
    for (let chunk = 0; chunk < 4; chunk++) {
      const from = at + 16 + 32 * chunk;
      const to = block * 128 + 32 * chunk;
      for (let j = 0; j < 16; j++) {
        const a = bytes[from + 2 * j]!;
        const b = bytes[from + 2 * j + 1]!;
        integers[to + j] = (a & 15) | ((b & 15) << 4);
        integers[to + 16 + j] = (a >> 4) | (b & 0xf0);
      }
    }
  }
  return { bits: 4, group: 32, integers, scales, biases };
}

/** As Q4_K, with a fifth bit: bit 2c or 2c + 1 of 32 bytes, for the low and the high half of chunk c. */
export function q5K(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 176;
  const integers = new Uint8Array(blocks * BLOCK);
  const scales = new Float32Array(blocks * GROUPS);
  const biases = new Float32Array(blocks * GROUPS);
  for (let block = 0; block < blocks; block++) {
    const at = block * 176;
    groupScales(bytes, at, 16, scales, biases, block * GROUPS);
    for (let chunk = 0; chunk < 4; chunk++) {
      const from = at + 48 + 32 * chunk;
      const to = block * BLOCK + 64 * chunk;
      for (let j = 0; j < 32; j++) {
        const pair = bytes[from + j]!;
        const fifths = bytes[at + 16 + j]! >> (2 * chunk);
        integers[to + j] = ((pair & 15) | ((fifths & 1) << 4)) - 16;
        integers[to + 32 + j] = ((pair >> 4) | (((fifths >> 1) & 1) << 4)) - 16;
      }
    }
  }
  return { bits: 8, group: 32, integers, scales, biases };
}

/** Two halves of 128, of six bits in two planes; 16 signed scales, one for each 16 elements. */
export function q6K(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 210;
  const integers = new Uint8Array(blocks * BLOCK);
  const scales = new Float32Array(blocks * 16);
  for (let block = 0; block < blocks; block++) {
    const at = block * 210;
    const scale = halfToFloat(bytes, at + 208);
    for (let group = 0; group < 16; group++)
      scales[block * 16 + group] = scale * ((bytes[at + 192 + group]! << 24) >> 24);
    for (let half = 0; half < 2; half++) {
      const low = at + 64 * half;
      const high = at + 128 + 32 * half;
      const to = block * BLOCK + 128 * half;
      for (let j = 0; j < 32; j++) {
        const a = bytes[low + j]!;
        const b = bytes[low + 32 + j]!;
        const twos = bytes[high + j]!;
        integers[to + j] = ((a & 15) | ((twos & 3) << 4)) - 32;
        integers[to + 32 + j] = ((b & 15) | (((twos >> 2) & 3) << 4)) - 32;
        integers[to + 64 + j] = ((a >> 4) | (((twos >> 4) & 3) << 4)) - 32;
        integers[to + 96 + j] = ((b >> 4) | ((twos >> 6) << 4)) - 32;
      }
    }
  }
  return { bits: 8, group: 16, integers, scales };
}
