/** Packed rows in another order, or as plain numbers. Whole rows move, so that groups move as bytes. */
import { assert } from "../../shared/assert.ts";
import { mapPlanes, type PackedRows, readInteger, readNumber } from "./packed-rows.ts";
import type { RowOrder } from "./stored-tensor.ts";

/** Copies `rows` rows of packed integers into the order of the family. They are whole periods of the order. */
export function orderedRows(packed: PackedRows, rows: number, { order }: RowOrder): PackedRows {
  return mapPlanes(packed, (plane) => ordered(plane, rows, order));
}

/** A copy of an array of `rows` equally long rows, each of them moved to its place. */
export function ordered<T extends Uint8Array | Int8Array | Float32Array>(
  values: T,
  rows: number,
  order: readonly number[],
): T {
  assert(rows % order.length === 0, `${rows} rows in an order of ${order.length}`);
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
  const { group, scales, biases, origin = 0 } = packed;
  const values = new Float32Array(rows * columns);
  const groups = Math.ceil(columns / group);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let of = 0; of < groups; of++) {
      const scale = readNumber(scales, row * groups + of);
      const bias = biases ? readNumber(biases, row * groups + of) : 0;
      const end = row * columns + Math.min(columns, (of + 1) * group);
      for (; at < end; at++) values[at] = (readInteger(packed, at) - origin) * scale + bias;
    }
  }
  return values;
}
