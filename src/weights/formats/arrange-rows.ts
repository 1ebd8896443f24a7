/** Packed rows in another order, or as plain numbers. Whole rows move, so that groups move as bytes. */
import type { PackedRows } from "./packed-rows.ts";
import type { RowOrder } from "./stored-tensor.ts";

/** `rows` rows of packed integers in the order of the family. They are whole periods of the order. */
export function orderedRows(packed: PackedRows, rows: number, { order }: RowOrder): PackedRows {
  const { integers, scales, biases } = packed;
  return {
    ...packed,
    integers: ordered(integers, rows, order),
    scales: ordered(scales, rows, order),
    ...(biases && { biases: ordered(biases, rows, order) }),
  };
}

/** A copy of an array of `rows` equally long rows, each of them moved to its place. */
export function ordered<T extends Uint8Array | Float32Array>(values: T, rows: number, order: readonly number[]): T {
  const width = values.length / rows;
  const moved = values.slice() as T;
  for (let row = 0; row < rows; row++) {
    const at = row % order.length;
    const to = row - at + order[at]!;
    moved.set(values.subarray(row * width, (row + 1) * width), to * width);
  }
  return moved;
}

/** The values of `rows` packed rows, [rows, columns], each rounded to f32 once. */
export function unpackedRows(packed: PackedRows, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const { bits, group, integers, scales, biases } = packed;
  const values = new Float32Array(rows * columns);
  const groups = Math.ceil(columns / group);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const level = bits === 8 ? (integers[at]! << 24) >> 24 : ((integers[at >> 1]! >> (4 * (at & 1))) & 15) - 8;
      const of = row * groups + Math.floor(column / group);
      values[at] = level * scales[of]! + (biases?.[of] ?? 0);
    }
  }
  return values;
}
