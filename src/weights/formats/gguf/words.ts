/**
 * Bits of blocks as kernels read them, four bytes at a time. Byte by byte, a load from disk spent a third of its scripts
 * here. Browsers and Node run on little-endian machines only.
 */

/** Blocks as numbers of 16 bits, all of which they are made of; copied where they begin at an odd byte. */
export function halvesOf(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/** Half `at` and the one after it as a word. */
export function wordAt(halves: Uint16Array, at: number): number {
  return halves[at]! | (halves[at + 1]! << 16);
}

/** The low nibbles of four bytes, in 16 bits. */
function lowNibbles(word: number): number {
  const pairs = word & 0x0f0f0f0f;
  const bytes = (pairs | (pairs >>> 4)) & 0x00ff00ff;
  return (bytes | (bytes >>> 8)) & 0xffff;
}

/** The low nibbles of eight bytes, in a word. */
export function lowWord(first: number, second: number): number {
  return lowNibbles(first) | (lowNibbles(second) << 16);
}

/** The high nibbles of eight bytes, in a word. */
export function highWord(first: number, second: number): number {
  return lowNibbles(first >>> 4) | (lowNibbles(second >>> 4) << 16);
}

/** Bit `bit` of each of four bytes, in 4 bits. The products do not overlap. */
export function bitOfEach(word: number, bit: number): number {
  return (Math.imul((word >>> bit) & 0x01010101, 0x01020408) >>> 24) & 15;
}

/** Bits `bit` and `bit + 1` of each of four bytes, in 8 bits. */
export function twoOfEach(word: number, bit: number): number {
  return Math.imul((word >>> bit) & 0x03030303, 0x01041040) >>> 24;
}
