/** A gate on the output of attention, in f64. */

/**
 * `x * sigmoid(gate)`.
 *
 * @param gate the gate of head h begins at `offset + h * pitch` of each row
 * @returns [T, H D]
 */
export function headGate(
  x: ArrayLike<number>,
  gate: ArrayLike<number>,
  { rows, heads, offset, pitch }: { rows: number; heads: number; offset: number; pitch: number },
): Float64Array {
  const width = x.length / rows / heads;
  const stride = gate.length / rows;
  const y = new Float64Array(x.length);
  for (let t = 0; t < rows; t++)
    for (let h = 0; h < heads; h++)
      for (let c = 0; c < width; c++) {
        const at = (t * heads + h) * width + c;
        y[at] = x[at]! / (1 + Math.exp(-gate[t * stride + offset + h * pitch + c]!));
      }
  return y;
}
