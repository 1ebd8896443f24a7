/**
 * What every packed weight format decodes to: whole rows of a matrix as integers in groups. Between
 * the file and the GPU nothing else stands; values are never unpacked to f32 on the way.
 */

export type PackedBits = 4 | 8;
export type GroupSize = 16 | 32 | 64 | 128;

/** Whole rows of a matrix [R, C]: `value = integer * scale + bias`, with G = ceil(C / group). */
export interface PackedRows {
  readonly bits: PackedBits;
  /** Columns that share a scale. One scale for a whole row is written as repeated groups. */
  readonly group: GroupSize;
  /** [R, C * bits / 8], row-major. 4 bits: lowest nibble first, 0..15 stands for -8..7. 8 bits: two's complement. */
  readonly integers: Uint8Array;
  /** [R, G] */
  readonly scales: Float32Array;
  /** [R, G]. Absent: symmetric. */
  readonly biases?: Float32Array;
}
