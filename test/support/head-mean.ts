/** Compares the output of the two kernels of A with the reference. */
import { expect } from "vitest";
import type { Columns, IndexTables, TextChunk } from "../../src/model/inhibition/index-tables.ts";
import { expectNmse } from "./compare.ts";
import { NMSE_PRODUCT } from "./tolerances.ts";

interface Found {
  columns: Columns;
  tables: IndexTables;
  chunk: TextChunk;
  neighbours: ArrayLike<number>; // [count, text rows so far], NaN where nothing was written
  imageAttention: ArrayLike<number>; // packed, the same
}

/** @param expectedOf what a row pays to a key, by their rows in the sequence; 0 where it does not see the key */
export function expectHeadMean(
  { columns, tables: { textRows }, chunk: { firstTextRow, count }, neighbours, imageAttention }: Found,
  expectedOf: (row: number, key: number) => number,
): void {
  const total = firstTextRow + count;
  const found: number[] = [];
  const expected: number[] = [];
  const written = new Set<number>();
  for (const [j, { row, start, ...seen }] of textRows.slice(firstTextRow, total).entries()) {
    for (let h = 0; h < total; h++) {
      const value = neighbours[j * total + h]!;
      const isSeen = h >= seen.firstNeighbour && h < seen.endNeighbour && h !== firstTextRow + j;
      if (!isSeen) {
        expect(value, `text row ${firstTextRow + j} to ${h}`).toBeNaN();
        continue;
      }
      found.push(value);
      expected.push(expectedOf(row, textRows[h]!.row));
    }
    for (let column = seen.firstColumn; column < seen.endColumn; column++) {
      const at = start + column - seen.firstColumn;
      written.add(at);
      found.push(imageAttention[at]!);
      expected.push(expectedOf(row, columns.columnRows[column]!));
    }
  }
  expectNmse("head mean", found, expected, NMSE_PRODUCT);
  // Places of earlier rows and of rows to come are left alone.
  expect(Array.from(imageAttention).every((value, at) => written.has(at) || Number.isNaN(value))).toBe(true);
}
