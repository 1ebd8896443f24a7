/** Values of packed rows in plain loops of f64: `(integer - origin) * scale + bias`. */

interface Nested {
  readonly units: Float32Array;
  readonly counts: Int8Array;
}

interface Rows {
  readonly bits: 4 | 5 | 6 | 8;
  readonly group: number;
  readonly integers: Uint8Array;
  readonly high?: Uint8Array;
  readonly levels?: { readonly values: readonly number[] };
  readonly scales: Float32Array | Nested;
  readonly biases?: Float32Array | Nested;
  readonly origin?: number;
}

/** Columns that share a unit. */
const NEST = 256;

/** [rows, columns] of f64: the exact product and sum, not rounded. */
export function dequantise(packed: Rows, rows: number, columns: number): Float64Array {
  const { group, scales, biases, origin = 0 } = packed;
  const values = new Float64Array(rows * columns);
  const number = (numbers: Float32Array | Nested, r: number, c: number) => {
    const of = r * Math.ceil(columns / group) + Math.floor(c / group);
    if (numbers instanceof Float32Array) return numbers[of]!;
    return numbers.counts[of]! * numbers.units[(r * columns + c - (c % NEST)) / NEST]!;
  };
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const level = integer(packed, r * columns + c) - origin;
      values[r * columns + c] = level * number(scales, r, c) + (biases ? number(biases, r, c) : 0);
    }
  }
  return values;
}

function integer({ bits, integers, high, levels }: Rows, index: number): number {
  if (bits === 8) return (integers[index]! << 24) >> 24;
  const byte = integers[index >> 1]!;
  let value = index % 2 === 0 ? byte & 15 : byte >> 4;
  if (levels) return levels.values[value]!;
  for (let bit = 4; bit < bits; bit++) {
    const at = index * (bits - 4) + bit - 4;
    if ((high![Math.floor(at / 8)]! >> (at % 8)) % 2 === 1) value += 2 ** bit;
  }
  return value - 2 ** (bits - 1);
}
