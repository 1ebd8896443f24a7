/** Key ranges of views; windows of an encoder: the order of cells, key ranges, and the places of seats. */
import { describe, expect, test } from "vitest";
import { viewRanges } from "../../../src/model/encoder/view-ranges.ts";
import { orderedCoordinates, orderedRanges, windowOrder } from "../../../src/model/encoder/windows.ts";
import { batchOfViews } from "../../reference/visible.ts";

test("ranges of views equal the reference's", () => {
  expect([...viewRanges(3, 4)]).toEqual(batchOfViews(3, 4));
});

describe("cells in window order", () => {
  test("stand window by window, partial ones at the far edges", () => {
    const { order, inverse, ranges } = windowOrder({ rows: 3, cols: 5 }, 2);
    expect([...order]).toEqual([0, 1, 5, 6, 2, 3, 7, 8, 4, 9, 10, 11, 12, 13, 14]);
    expect(ranges).toEqual([
      [0, 4],
      [4, 8],
      [8, 10],
      [10, 12],
      [12, 14],
      [14, 15],
    ]);
    expect([...order].map((cell) => inverse[cell])).toEqual([...order.keys()]);
  });

  test("keep raster order in a window of the whole grid", () => {
    const { order, ranges } = windowOrder({ rows: 2, cols: 3 }, 8);
    expect([...order]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(ranges).toEqual([[0, 6]]);
  });

  test("see the rows of their own window and view", () => {
    const ranges = orderedRanges(windowOrder({ rows: 1, cols: 3 }, 2), 2, 2);
    const pairs = Array.from({ length: ranges.length / 2 }, (_, row) => [ranges[2 * row], ranges[2 * row + 1]]);
    const view = (start: number) => [...Array(4).fill([start, start + 4]), ...Array(2).fill([start + 4, start + 6])];
    expect(pairs).toEqual([...view(0), ...view(6)]);
  });
});

test("seats lie at their patch's row and column", () => {
  const places = orderedCoordinates(Uint32Array.of(3, 0), { cols: 2, side: 2, views: 2 });
  expect([...places]).toEqual([
    2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1,
  ]);
});
