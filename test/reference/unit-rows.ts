/** Rows scaled to length 1, in f64. */

/** The vector at length 1, or zeros where it is no longer than `shortest`. */
export function unit(vector: ArrayLike<number>, shortest = 0): Float64Array {
  const values = Float64Array.from(vector);
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return length > shortest ? values.map((value) => value / length) : new Float64Array(values.length);
}

/** Rows `first + indices[r]` of `x` [first + N, C], each at length 1; zero rows stay zero. @returns [R, C] */
export function unitRows(x: ArrayLike<number>, indices: ArrayLike<number>, width: number, first: number): Float64Array {
  const y = new Float64Array(indices.length * width);
  for (let r = 0; r < indices.length; r++) {
    const start = (first + indices[r]!) * width;
    y.set(unit(Array.from({ length: width }, (_, c) => x[start + c]!)), r * width);
  }
  return y;
}
