/** Which rows of a prompt see which picture beside it. */
import { expect, it } from "vitest";
import { besideRows, placesBefore } from "../../../src/model/decoder/beside-rows.ts";
import { expandPlaceholders, promptRows } from "../../../src/model/decoder/prompt-rows.ts";
import type { PictureRows } from "../../../src/model/picture-rows.ts";

const [IMAGE, END] = [9, 2];

/** A picture of so many rows. */
const picture = (count: number, first = 0) => ({ runs: [{ tensor: {} as PictureRows["tensor"], first, count }] });

/** Of each row [start, end) beside the prompt. */
function seen(ids: number[], counts: number[], endId = END) {
  const placed = expandPlaceholders(ids, new Array<number>(counts.length).fill(0), IMAGE);
  expect(placed.ids).toEqual(ids);
  const { runs, visible } = besideRows(
    placed,
    counts.map((count) => picture(count)),
    endId,
  );
  return { runs, ranges: Array.from(ids, (_, row) => [...visible.subarray(2 * row, 2 * row + 2)].join("-")) };
}

it("rows see the picture of the last placeholder, and nothing before the first", () => {
  const { runs, ranges } = seen([1, 5, IMAGE, 6, IMAGE, IMAGE, 7], [4, 3, 5]);
  expect(ranges).toEqual(["0-0", "0-0", "0-4", "0-4", "4-7", "7-12", "7-12"]);
  expect(runs.map(({ row, place, count }) => [row, place, count])).toEqual([
    [2, 0, 4],
    [4, 4, 3],
    [5, 7, 5],
  ]);
});

it("rows after the end token see nothing until the next placeholder, the end token itself does", () => {
  expect(seen([1, IMAGE, 5, END, 6, 7, IMAGE, 8], [2, 3]).ranges).toEqual([
    "0-0",
    "0-2",
    "0-2",
    "0-2",
    "0-0",
    "0-0",
    "2-5",
    "2-5",
  ]);
  expect(seen([IMAGE, END, 6], [2], 100).ranges).toEqual(["0-2", "0-2", "0-2"]);
  // A placeholder right after an end token, and an end token before any picture.
  expect(seen([END, IMAGE, END, IMAGE], [1, 1]).ranges).toEqual(["0-0", "0-1", "0-1", "1-2"]);
});

it("a text alone sees nothing", () => {
  expect(seen([1, 5, 6], [])).toEqual({ runs: [], ranges: ["0-0", "0-0", "0-0"] });
});

it("a prompt keeps its placeholders as tokens, and places before a row are those of pictures that have begun", () => {
  const ids = [1, IMAGE, 5, IMAGE, 6];
  const placed = expandPlaceholders(ids, [0, 0], IMAGE);
  const beside = { width: 8, endId: END };
  const rows = promptRows(placed, [picture(4), picture(2, 3)], { vocabularySize: 10, beside });
  expect([...rows.ids]).toEqual(ids);
  expect([...rows.positions]).toEqual([0, 1, 2, 3, 4]);
  expect(rows.nextPosition).toBe(5);
  expect(rows.pictures).toEqual([[], []]);
  expect(rows.beside!.runs.map(({ first, place }) => [first, place])).toEqual([
    [0, 0],
    [3, 4],
  ]);
  expect([0, 1, 2, 3, 4, 5].map((row) => placesBefore(rows.beside!, row))).toEqual([0, 0, 4, 4, 6, 6]);
});
