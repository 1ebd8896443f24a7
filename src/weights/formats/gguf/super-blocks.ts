/**
 * Decodes the types of GGUF with blocks of 256 elements to packed rows. Their groups have whole numbers for scales.
 * Exact: integers and scales as they are stored. Layouts: ggml-common.h and ggml-quants.c of ggml.
 */
import type { Levels } from "../../../shared/levels.ts";
import { halfValues } from "../half-values.ts";
import type { NestedNumbers, PackedRows } from "../packed-rows.ts";
import { bitOfEach, halvesOf, highWord, lowWord, twoOfEach, wordAt } from "./words.ts";

const BLOCK = 256;

/** The f16 at a byte offset. */
function halfAt(bytes: Uint8Array, at: number): number {
  return halfValues()[bytes[at]! | (bytes[at + 1]! << 8)]!;
}

/** New numbers for blocks of so many groups each. */
function nested(blocks: number, groups: 8 | 16): NestedNumbers {
  return { units: new Float32Array(blocks), counts: new Int8Array(blocks * groups) };
}

/**
 * Scales and minima of the 8 groups of 32 of a block: two f16, and 6 bits each in 12 bytes. A minimum is subtracted from
 * the values, so it is a bias with its sign turned.
 */
function groupScales(bytes: Uint8Array, at: number, block: number, scales: NestedNumbers, biases: NestedNumbers): void {
  scales.units[block] = halfAt(bytes, at);
  biases.units[block] = -halfAt(bytes, at + 2);
  for (let group = 0; group < 8; group++) {
    const k = at + 4 + group;
    const isLow = group < 4;
    const six = isLow ? bytes[k]! & 63 : (bytes[k + 4]! & 15) | ((bytes[k - 4]! >> 6) << 4);
    const min = isLow ? bytes[k + 4]! & 63 : (bytes[k + 4]! >> 4) | ((bytes[k]! >> 6) << 4);
    scales.counts[8 * block + group] = six;
    biases.counts[8 * block + group] = min;
  }
}

/** The nibbles of 64 elements: byte j of 32 holds elements j and j + 32. */
function pairNibbles(halves: Uint16Array, from: number, integers: Uint32Array, to: number): void {
  for (let j = 0; j < 4; j++) {
    const first = wordAt(halves, from + 4 * j);
    const second = wordAt(halves, from + 4 * j + 2);
    integers[to + j] = lowWord(first, second);
    integers[to + 4 + j] = highWord(first, second);
  }
}

/** Four chunks of 64. */
export function q4K(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 144;
  const halves = halvesOf(bytes);
  const integers = new Uint32Array((blocks * BLOCK) / 8);
  const [scales, biases] = [nested(blocks, 8), nested(blocks, 8)];
  for (let block = 0; block < blocks; block++) {
    const at = block * 144;
    groupScales(bytes, at, block, scales, biases);
    for (let chunk = 0; chunk < 4; chunk++)
      pairNibbles(halves, at / 2 + 8 + 16 * chunk, integers, block * 32 + 8 * chunk);
  }
  return { bits: 4, group: 32, integers: new Uint8Array(integers.buffer), scales, biases, origin: -8 };
}

/** As Q4_K, with a fifth bit: bit 2c or 2c + 1 of 32 bytes, for the low and the high half of chunk c. */
export function q5K(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 176;
  const halves = halvesOf(bytes);
  const integers = new Uint32Array((blocks * BLOCK) / 8);
  const high = new Uint8Array((blocks * BLOCK) / 8);
  const [scales, biases] = [nested(blocks, 8), nested(blocks, 8)];
  for (let block = 0; block < blocks; block++) {
    const at = block * 176;
    groupScales(bytes, at, block, scales, biases);
    for (let chunk = 0; chunk < 4; chunk++)
      pairNibbles(halves, at / 2 + 24 + 16 * chunk, integers, block * 32 + 8 * chunk);
    // Group g has bit g of each of the 32 bytes.
    for (let byte = 0; byte < 4; byte++) {
      const first = wordAt(halves, at / 2 + 8 + 4 * byte);
      const second = wordAt(halves, at / 2 + 10 + 4 * byte);
      for (let group = 0; group < 8; group++)
        high[block * 32 + group * 4 + byte] = bitOfEach(first, group) | (bitOfEach(second, group) << 4);
    }
  }
  return { bits: 5, group: 32, integers: new Uint8Array(integers.buffer), high, scales, biases, origin: -16 };
}

/** Two halves of 128, of six bits in two planes; 16 signed scales, one for each 16 elements. */
export function q6K(bytes: Uint8Array): PackedRows {
  const blocks = bytes.byteLength / 210;
  const halves = halvesOf(bytes);
  const integers = new Uint32Array((blocks * BLOCK) / 8);
  const high = new Uint8Array((blocks * BLOCK) / 4);
  const scales = nested(blocks, 16);
  for (let block = 0; block < blocks; block++) {
    const at = block * 210;
    scales.units[block] = halfAt(bytes, at + 208);
    for (let group = 0; group < 16; group++) scales.counts[16 * block + group] = bytes[at + 192 + group]!;
    for (let half = 0; half < 2; half++) {
      // Each byte of the first 32 holds elements l and l + 64, of the next 32 elements l + 32 and l + 96.
      const low = at / 2 + 32 * half;
      const to = block * 32 + 16 * half;
      for (let j = 0; j < 8; j++) {
        const first = wordAt(halves, low + 4 * j);
        const second = wordAt(halves, low + 4 * j + 2);
        integers[to + j] = lowWord(first, second);
        integers[to + 8 + j] = highWord(first, second);
      }
      // Two bits of each run of 32 elements, from the lowest on.
      for (let byte = 0; byte < 8; byte++) {
        const twos = wordAt(halves, at / 2 + 64 + 16 * half + 2 * byte);
        for (let run = 0; run < 4; run++) high[block * 64 + 32 * half + 8 * run + byte] = twoOfEach(twos, 2 * run);
      }
    }
  }
  return { bits: 6, group: 16, integers: new Uint8Array(integers.buffer), high, scales };
}

/** 8 groups whose scales are 6 bits, less 32; byte j of 16 holds elements j and j + 16 of a group. */
export function iq4Xs(bytes: Uint8Array, levels: Levels): PackedRows {
  const blocks = bytes.byteLength / 136;
  const halves = halvesOf(bytes);
  const integers = new Uint32Array((blocks * BLOCK) / 8);
  const scales = nested(blocks, 8);
  for (let block = 0; block < blocks; block++) {
    const at = block * 136;
    scales.units[block] = halfAt(bytes, at);
    const high = bytes[at + 2]! | (bytes[at + 3]! << 8);
    for (let group = 0; group < 8; group++) {
      const low = (bytes[at + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
      scales.counts[8 * block + group] = (low | (((high >> (2 * group)) & 3) << 4)) - 32;
      splitNibbles(halves, at / 2 + 4 + 8 * group, integers, block * 32 + 4 * group);
    }
  }
  return { bits: 4, group: 32, integers: new Uint8Array(integers.buffer), levels, scales };
}

/** The nibbles of 32 elements: byte j of 16 holds elements j and j + 16. `from` counts halves, `to` words. */
export function splitNibbles(halves: Uint16Array, from: number, integers: Uint32Array, to: number): void {
  const first = wordAt(halves, from);
  const second = wordAt(halves, from + 2);
  const third = wordAt(halves, from + 4);
  const fourth = wordAt(halves, from + 6);
  integers[to] = lowWord(first, second);
  integers[to + 1] = lowWord(third, fourth);
  integers[to + 2] = highWord(first, second);
  integers[to + 3] = highWord(third, fourth);
}
