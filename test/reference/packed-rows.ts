/** Values of packed rows in plain loops of f64: `integer * scale + bias`. */

interface Rows {
  readonly bits: 4 | 8;
  readonly group: number;
  readonly integers: Uint8Array;
  readonly scales: Float32Array;
  readonly biases?: Float32Array;
}

/** [rows, columns] of f64: the exact product and sum, not rounded. */
export function dequantise(packed: Rows, rows: number, columns: number): Float64Array {
  const groups = Math.ceil(columns / packed.group);
  const values = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const scale = r * groups + Math.floor(c / packed.group);
      values[r * columns + c] =
        integer(packed, r * columns + c) * packed.scales[scale]! + (packed.biases?.[scale] ?? 0);
    }
  }
  return values;
}

function integer({ bits, integers }: Rows, index: number): number {
  if (bits === 8) return (integers[index]! << 24) >> 24;
  const byte = integers[index >> 1]!;
  return (index % 2 === 0 ? byte & 15 : byte >> 4) - 8;
}
