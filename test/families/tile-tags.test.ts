import { describe, expect, it } from "vitest";
import { tileRuns } from "../../src/families/parts/tile-tags.ts";

const TAGS = { fakeToken: "<f>", globalTag: "<g>", tileTag: (row: number, col: number) => `<${row},${col}>` };

/** Runs as one string, a view's rows as "view x rows". */
const written = (rows: number, cols: number, counts: number[]) =>
  tileRuns(rows, cols, counts, TAGS)
    .map((run) => ("text" in run ? run.text : `${"view" in run ? run.view : "all"}x${run.rows}`))
    .join("");

describe("tags of tiles", () => {
  it("one view stands between two fake tokens", () => {
    expect(tileRuns(0, 0, [4], TAGS)).toEqual([{ text: "<f><g>" }, { view: 0, rows: 4 }, { text: "<f>" }]);
  });

  it("each row of tiles ends with a newline, an empty line precedes the overview", () => {
    expect(written(2, 3, [1, 2, 3, 4, 5, 6, 7])).toBe(
      "<f><1,1>0x1<f><1,2>1x2<f><1,3>2x3\n<f><2,1>3x4<f><2,2>4x5<f><2,3>5x6\n\n<f><g>6x7<f>",
    );
    expect(written(2, 1, [9, 8, 7])).toBe("<f><1,1>0x9\n<f><2,1>1x8\n\n<f><g>2x7<f>");
    expect(written(1, 2, [9, 8, 7])).toBe("<f><1,1>0x9<f><1,2>1x8\n\n<f><g>2x7<f>");
  });

  it("one tile beside the overview is still a tile", () => {
    expect(written(1, 1, [2, 3])).toBe("<f><1,1>0x2\n\n<f><g>1x3<f>");
  });

  it("text and rows take turns, so text between two views is one piece", () => {
    const kinds = tileRuns(2, 2, [1, 1, 1, 1, 1], TAGS).map((run) => "text" in run);
    expect(kinds).toEqual([true, false, true, false, true, false, true, false, true, false, true]);
  });

  it.each([
    [0, 0, []],
    [1, 2, [1, 1]],
    [0, 0, [1, 1]],
  ])("%d x %d tiles with counts %j are refused", (rows, cols, counts) => {
    expect(() => tileRuns(rows, cols, counts, TAGS)).toThrow(RangeError);
  });
});
