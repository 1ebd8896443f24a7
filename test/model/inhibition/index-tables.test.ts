/** Index tables of attention inhibition: columns, text rows and what they see, under every mask. */
import { describe, expect, test } from "vitest";
import {
  COLUMN_BIT,
  type ImageRuns,
  NO_SLOT,
  packTextRows,
  planColumns,
  planIndexTables,
  textChunk,
} from "../../../src/model/inhibition/index-tables.ts";
import { causal, prefixLm, slidingWindow } from "../../reference/visible.ts";
import {
  imageRows,
  MASKED_SEQUENCES,
  type MaskedSequence,
  randomMaskedSequence,
  textRowsOf,
} from "../../support/masked-sequences.ts";
import { freshRandom } from "../../support/random.ts";

/** Two pictures, the first of two views. */
const images: readonly ImageRuns[] = [
  [
    { row: 2, tokens: 3 },
    { row: 6, tokens: 2 },
  ],
  [{ row: 10, tokens: 1 }],
];
const tablesOf = (visible: readonly number[]) => planIndexTables(planColumns(images), Uint32Array.from(visible));
const textRow = (numbers: readonly number[]) => {
  const [row, firstKey, endKey, firstColumn, endColumn, firstNeighbour, endNeighbour, start] = numbers;
  return { row, firstKey, endKey, firstColumn, endColumn, firstNeighbour, endNeighbour, start };
};

describe("tables", () => {
  test("columns are numbered through all views; an image begins where its first view does", () => {
    const { columnRows, imageStarts } = planColumns(images);
    expect([...columnRows]).toEqual([2, 3, 4, 6, 7, 10]);
    expect([...imageStarts]).toEqual([0, 5, 6]);
    expect([...planColumns([]).imageStarts]).toEqual([0]);
  });

  test("causal: text rows begin after the first image token and see all rows up to themselves", () => {
    const { slots, textRows, textBefore, firstKey, listLength } = tablesOf(causal(12));
    expect([...slots].map((slot) => (slot >= COLUMN_BIT ? `c${slot - COLUMN_BIT}` : slot))).toEqual([
      ...[NO_SLOT, NO_SLOT, "c0", "c1", "c2", 0, "c3", "c4", 1, 2, "c5", 3],
    ]);
    const expected = [
      [5, 0, 6, 0, 3, 0, 1, 0],
      [8, 0, 9, 0, 5, 0, 2, 3],
      [9, 0, 10, 0, 5, 0, 3, 8],
      [11, 0, 12, 0, 6, 0, 4, 13],
    ];
    expect(textRows).toEqual(expected.map(textRow));
    expect([...packTextRows(textRows)]).toEqual(expected.flat());
    expect([textBefore, firstKey, listLength]).toEqual([2, 2, 19]);
  });

  test("a window: ranges of columns and text rows; a row that sees no image token has none", () => {
    const { textRows, textBefore, firstKey, listLength } = tablesOf(slidingWindow(12, 3));
    const expected = [
      [5, 3, 6, 1, 3, 0, 1, 0],
      [8, 6, 9, 3, 5, 1, 2, 2],
      [9, 7, 10, 4, 5, 1, 3, 4],
      [11, 9, 12, 5, 6, 2, 4, 5],
    ];
    expect(textRows).toEqual(expected.map(textRow));
    expect([textBefore, firstKey, listLength]).toEqual([2, 2, 6]);
    const alone = tablesOf(slidingWindow(12, 1));
    expect([alone.textRows.length, alone.textBefore, alone.listLength]).toEqual([0, 6, 0]);
    expect(textChunk(alone, 0, 12)).toBeUndefined();
  });

  test("prefix-LM: text before the images sees them, and later text", () => {
    const { textRows, textBefore, firstKey } = tablesOf(prefixLm(12, 7));
    const expected = [
      [0, 0, 7, 0, 4, 0, 3, 0],
      [1, 0, 7, 0, 4, 0, 3, 4],
      [5, 0, 7, 0, 4, 0, 3, 8],
      [8, 0, 9, 0, 5, 0, 4, 12],
      [9, 0, 10, 0, 5, 0, 5, 17],
      [11, 0, 12, 0, 6, 0, 6, 22],
    ];
    expect(textRows).toEqual(expected.map(textRow));
    expect([textBefore, firstKey]).toEqual([0, 0]);
  });

  test("ranges may end past the last row, or be empty", () => {
    const visible = causal(12).map((value, i) => (i === 23 ? 99 : value));
    expect(tablesOf(visible)).toEqual(tablesOf(causal(12)));
    visible.splice(16, 4, 9, 9, 7, 3);
    const { textRows } = tablesOf(visible);
    expect(textRows.slice(1, 3)).toEqual([textRow([8, 0, 0, 0, 0, 0, 0, 3]), textRow([9, 0, 0, 0, 0, 0, 0, 3])]);
  });

  test("images of a later turn leave the places of earlier rows alone", () => {
    const before = planIndexTables(planColumns(images.slice(0, 1)), Uint32Array.from(causal(10)));
    const after = planIndexTables(planColumns(images), Uint32Array.from(causal(14)));
    expect(after.textRows.slice(0, 3)).toEqual(before.textRows);
  });

  test("no image; an image that fills the sequence", () => {
    const none = planIndexTables(planColumns([]), Uint32Array.from(causal(4)));
    expect([none.textRows.length, none.textBefore, none.listLength]).toEqual([0, 4, 0]);
    expect(textChunk(none, 0, 4)).toBeUndefined();
    const full = planIndexTables(planColumns([[{ row: 0, tokens: 3 }]]), Uint32Array.from(causal(3)));
    expect([full.textRows.length, full.textBefore, full.firstKey]).toEqual([0, 0, 0]);
  });

  test("images that overlap or do not fit are a bug of the caller", () => {
    expect(() => planColumns([[{ row: 2, tokens: 3 }], [{ row: 4, tokens: 1 }]])).toThrow("1 image tokens at row 4");
    expect(() => planColumns([[{ row: 2, tokens: 0 }]])).toThrow("0 image tokens");
    const late = planColumns([[{ row: 2, tokens: 3 }]]);
    expect(() => planIndexTables(late, Uint32Array.from(causal(4)))).toThrow("row 4 of 4");
  });
});

describe("chunks", () => {
  test("from the first text row that sees an image token, and from the first key that any of them needs", () => {
    const tables = tablesOf(causal(12));
    expect(textChunk(tables, 0, 12)).toEqual({ firstTextRow: 0, count: 4, firstKey: 2 });
    expect(textChunk(tables, 6, 10)).toEqual({ firstTextRow: 1, count: 2, firstKey: 2 });
    expect(textChunk(tables, 11, 12)).toEqual({ firstTextRow: 3, count: 1, firstKey: 2 });
    expect(textChunk(tables, 0, 5)).toBeUndefined();
    expect(textChunk(tables, 6, 8)).toBeUndefined();
    const windows = tablesOf(slidingWindow(12, 3));
    expect(textChunk(windows, 8, 12)).toEqual({ firstTextRow: 1, count: 3, firstKey: 6 });
    expect(textChunk(windows, 9, 12)).toEqual({ firstTextRow: 2, count: 2, firstKey: 7 });
  });

  test("a row that sees past its chunk is a bug of the caller", () => {
    const tables = tablesOf(prefixLm(12, 7));
    expect(() => textChunk(tables, 0, 6)).toThrow("sees rows up to 7, but its chunk ends at 6");
    expect(textChunk(tables, 0, 7)).toEqual({ firstTextRow: 0, count: 3, firstKey: 0 });
  });
});

describe("against the mask itself, pair by pair", () => {
  function check({ images, mask, keys }: MaskedSequence) {
    const visible = mask(keys + 40);
    const columns = planColumns(images);
    const { textRows, slots, textBefore } = planIndexTables(columns, Uint32Array.from(visible));
    const isImage = new Set(imageRows(images).flat());
    const text = textRowsOf(images, slots.length);
    const sees = (t: number, s: number) => s >= visible[2 * t]! && s < visible[2 * t + 1]!;
    let start = 0;
    expect(textRows.map(({ row }) => row)).toEqual(text.slice(textBefore));
    for (const row of text.slice(0, textBefore)) expect([...isImage].some((key) => sees(row, key))).toBe(false);
    for (const textRow of textRows) {
      const { row, firstColumn, endColumn, firstNeighbour, endNeighbour } = textRow;
      const seen = [...columns.columnRows].filter((key) => sees(row, key));
      expect([...columns.columnRows.slice(firstColumn, endColumn)]).toEqual(seen);
      const neighbours = textRows.filter((other) => sees(row, other.row)).map((other) => other.row);
      const range = textRows.slice(firstNeighbour, endNeighbour).map((other) => other.row);
      expect(range).toEqual(seen.length > 0 ? neighbours : []);
      expect(textRow.start).toBe(start);
      start += seen.length;
    }
  }

  test.for(MASKED_SEQUENCES)("$name", check);

  test("random sequences and masks", () => {
    const random = freshRandom("index tables");
    for (let round = 0; round < 60; round++) check(randomMaskedSequence(random));
  });
});
