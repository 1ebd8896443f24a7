/** Unevenly spaced integers of 4 bits, which files, buffers and kernels of packed weights agree on. */

/** The integers that nibbles stand for where they are not evenly spaced. */
export interface Levels {
  /** Of the 16 nibbles, from -128 to 127. */
  readonly values: readonly number[];
  /**
   * The same as five coefficients of a polynomial of the nibble less 7.5, the constant one first. The result is rounded
   * to the nearest integer. Kernels compute it: selects from a table took SwiftShader twice as long for a row.
   */
  readonly curve: readonly number[];
}
