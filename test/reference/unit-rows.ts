/** Cells as rows of length 1, in f64. */

/** The vector at length 1, or zeros where it is no longer than `shortest`. */
export function unit(vector: ArrayLike<number>, shortest = 0): Float64Array {
  const values = Float64Array.from(vector);
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return length > shortest ? values.map((value) => value / length) : new Float64Array(values.length);
}

/**
 * The cells `indices` of a view, each as one row of its seats in order, at length 1; zero rows stay zero.
 *
 * @param x [N, S * C], without the rows before the cells
 * @param width S * C
 * @returns [R, S * C]
 */
export function unitRows(x: ArrayLike<number>, indices: ArrayLike<number>, width: number): Float64Array {
  const y = new Float64Array(indices.length * width);
  for (let r = 0; r < indices.length; r++) {
    const start = indices[r]! * width;
    y.set(unit(Array.from({ length: width }, (_, c) => x[start + c]!)), r * width);
  }
  return y;
}
