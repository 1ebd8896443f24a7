/** Key ranges that the product makes, and where a prompt may be cut. */
import { describe, expect, test } from "vitest";
import { FoveaError } from "../../../src/errors.ts";
import {
  causalRanges,
  chunkEnds,
  lastBorder,
  promptRanges,
  rangesOfLayers,
  windowRanges,
  withDecodedRows,
} from "../../../src/model/decoder/visible.ts";
import { causal, pictureRuns, prefixLm, slidingWindow } from "../../reference/visible.ts";
import { freshRandom } from "../../support/random.ts";

const ends = (visible: readonly number[], maxRows: number, first = 0) =>
  chunkEnds(Uint32Array.from(visible), { first, maxRows });

test("ranges equal the reference's", () => {
  expect([...causalRanges(5)]).toEqual(causal(5));
  expect([...causalRanges(1, 40)]).toEqual(causal(1, 40));
});

test("ranges of a prompt: its rows, its pictures or all of it see what comes after", () => {
  const runs = [
    { row: 2, count: 3 },
    { row: 5, count: 2 },
  ];
  expect([...promptRanges(9, undefined, runs)]).toEqual(causal(9));
  const seen = [
    [2, 5],
    [5, 7],
  ] as const;
  expect([...promptRanges(9, "pictures", runs)]).toEqual(pictureRuns(9, seen));
  expect([...promptRanges(9, "prompt", runs)]).toEqual(prefixLm(9, 9));
});

describe("windows", () => {
  test("cut the past only: a picture's rows see the rest of their picture", () => {
    const visible = promptRanges(8, "pictures", [{ row: 2, count: 4 }]);
    const narrowed = [0, 1, 0, 2, 0, 6, 1, 6, 2, 6, 3, 6, 4, 7, 5, 8];
    expect([...windowRanges(visible, 3)]).toEqual(narrowed);
    expect([...windowRanges(visible.subarray(8), 3, { start: 4 })]).toEqual(narrowed.slice(8));
    expect([...windowRanges(causalRanges(9, 4), 2, { start: 4 })]).toEqual(slidingWindow(9, 2, 4));
  });

  test("leave rows alone that no window narrows, and narrow the rows after them", () => {
    const all = withDecodedRows(promptRanges(4, "prompt"), 3);
    const narrowed = [0, 4, 0, 4, 0, 4, 0, 4, 3, 5, 4, 6, 5, 7];
    expect([...windowRanges(all, 2, { unwindowed: 4 })]).toEqual(narrowed);
    expect([...windowRanges(all.subarray(4), 2, { start: 2, unwindowed: 4 })]).toEqual(narrowed.slice(4));
    expect([...windowRanges(all.subarray(8), 2, { start: 4, unwindowed: 4 })]).toEqual(narrowed.slice(8));
    const ranges = rangesOfLayers([{ attention: { window: 2 } }, { attention: {} }], all, 4);
    expect([...ranges(0)]).toEqual(narrowed);
    expect(ranges(1)).toBe(all);
  });
});

describe("chunk ends", () => {
  test("causal rows and windows are cut wherever a chunk is full", () => {
    expect(ends(causal(10), 4)).toEqual([4, 8, 10]);
    expect(ends(causal(8), 4)).toEqual([4, 8]);
    expect(ends(causal(3), 4)).toEqual([3]);
    expect(ends(causal(10), 4, 5)).toEqual([9, 10]);
    expect(ends(slidingWindow(9, 2), 4)).toEqual([4, 8, 9]);
  });

  test("cuts end a chunk, but for rows that see past them", () => {
    const cut = (visible: readonly number[], cuts: number[], first = 0) =>
      chunkEnds(Uint32Array.from(visible), { first, maxRows: 4, cuts });
    expect(cut(causal(10), [3, 9])).toEqual([3, 7, 9, 10]);
    expect(cut(causal(10), [4, 10, 20])).toEqual([4, 8, 10]);
    expect(cut(causal(10), [2, 5], 5)).toEqual([9, 10]);
    expect(cut(pictureRuns(10, [[3, 6]]), [4, 6])).toEqual([3, 6, 10]);
  });

  test("a picture that sees itself stays in one chunk", () => {
    expect(ends(pictureRuns(10, [[3, 6]]), 4)).toEqual([3, 7, 10]);
    const twoPictures = [
      [2, 5],
      [5, 9],
    ] as const;
    expect(ends(pictureRuns(10, twoPictures), 4)).toEqual([2, 5, 9, 10]);
    expect(ends(pictureRuns(10, twoPictures), 7)).toEqual([5, 10]);
    expect(ends(pictureRuns(6, [[0, 6]]), 6)).toEqual([6]);
    expect(ends(prefixLm(9, 5), 5)).toEqual([5, 9]);
  });

  test("a range that ends past the prompt ends with it", () => {
    expect(ends([0, 1, 0, 99, 0, 99], 2)).toEqual([1, 3]);
  });

  test("rows that see each other and do not fit are an error with the numbers", () => {
    expect(() => ends(pictureRuns(10, [[3, 8]]), 4)).toThrow(
      expect.objectContaining({ code: "context-full", message: expect.stringContaining("rows 3 to 8") }),
    );
    expect(() => ends(prefixLm(9, 5), 4)).toThrow(FoveaError);
    expect(() => ends(pictureRuns(5, [[1, 5]]), 3)).toThrow("at most 3 rows");
  });

  test("random runs: chunks cover all rows, are short enough, cannot be longer, and nobody sees past their end", () => {
    const random = freshRandom("chunk ends");
    for (let round = 0; round < 200; round++) {
      const rows = random.integer(1, 60);
      const runs: [number, number][] = [];
      for (let at = random.integer(0, 5); at < rows; at += random.integer(0, 6)) {
        const end = Math.min(rows, at + random.integer(1, 8));
        runs.push([at, end]);
        at = end;
      }
      const visible = pictureRuns(rows, runs);
      const isBorder = (row: number) => visible.every((end, i) => i % 2 === 0 || i >= 2 * row || end <= row);
      const maxRows = random.integer(8, 20);
      const found = ends(visible, maxRows);
      expect(found.at(-1)).toBe(rows);
      for (const [i, end] of found.entries()) {
        const start = found[i - 1] ?? 0;
        expect(end > start && end - start <= maxRows && isBorder(end)).toBe(true);
        for (let longer = end + 1; longer <= Math.min(rows, start + maxRows); longer++)
          expect(isBorder(longer), `[${runs.join("], [")}], ${maxRows} rows: ${found}`).toBe(false);
      }
    }
  });
});

test("the last border that rows may be kept up to", () => {
  const visible = Uint32Array.from(pictureRuns(10, [[3, 6]]));
  expect([0, 1, 3, 4, 5, 6, 7, 10].map((rows) => lastBorder(visible, rows))).toEqual([0, 1, 3, 3, 3, 6, 7, 10]);
});
