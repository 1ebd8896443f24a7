/** Rows of a stored tensor as numbers: in the order of the tensor, whatever that of the file, and with what is added. */
import { expect, test } from "vitest";
import type { ByteSource } from "../../../src/weights/byte-source.ts";
import { readRows } from "../../../src/weights/formats/read-rows.ts";
import type { StoredTensor } from "../../../src/weights/formats/stored-tensor.ts";

const [ROWS, COLUMNS] = [6, 2];
/** Row r holds r and r + 0.5. */
const BYTES = new Uint8Array(
  Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => Math.floor(i / 2) + (i % 2) / 2).buffer,
);

async function firstColumn(more: Partial<StoredTensor>): Promise<number[]> {
  const source = { read: async (start: number, end: number) => BYTES.slice(start, end) } as unknown as ByteSource;
  const plane = { name: "t", file: "f", start: 0, end: BYTES.length, role: "values" } as const;
  const tensor: StoredTensor = {
    ...{ name: "t", shape: [ROWS, COLUMNS], encoding: { id: "F32", dtype: "F32" }, planes: [plane] },
    ...more,
  };
  const values: number[] = [];
  for await (const rows of readRows({ files: new Map([["f", source]]) } as never, tensor, {})) values.push(...rows);
  expect(values).toHaveLength(ROWS * COLUMNS);
  for (let row = 0; row < ROWS; row++) expect(values[2 * row + 1]).toBe(values[2 * row]! + 0.5);
  return values.filter((_, i) => i % 2 === 0);
}

test("row i of each period goes to row order[i] of it", async () => {
  expect(await firstColumn({})).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await firstColumn({ rowOrder: { order: [2, 0, 1] } })).toEqual([1, 2, 0, 4, 5, 3]);
});

test("with a number added", async () => expect(await firstColumn({ add: 1 })).toEqual([1, 2, 3, 4, 5, 6]));
