/** Values of packed rows, element by element in f64: integer * scale + bias. */

export interface ReferencePackedRows {
  bits: 4 | 8;
  group: number;
  integers: Uint8Array;
  scales: Float32Array;
  biases?: Float32Array;
}

/** @returns [R, C] */
export function dequantiseRows(packed: ReferencePackedRows, columns: number): Float64Array {
  const { bits, group, integers, scales, biases } = packed;
  const groups = Math.ceil(columns / group);
  const rows = scales.length / groups;
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const element = row * columns + column;
      let integer: number;
      if (bits === 8) {
        const byte = integers[element]!;
        integer = byte < 128 ? byte : byte - 256;
      } else {
        const byte = integers[Math.floor(element / 2)]!;
        integer = (element % 2 === 0 ? byte % 16 : Math.floor(byte / 16)) - 8;
      }
      const place = row * groups + Math.floor(column / group);
      values[element] = integer * scales[place]! + (biases ? biases[place]! : 0);
    }
  }
  return values;
}
