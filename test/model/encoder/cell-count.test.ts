import { expect, it } from "vitest";
import { cellCount, cellGrid, seatsOf } from "../../../src/model/encoder/cell-count.ts";

it.each([
  [{ rows: 6, cols: 8 }, { cell: 1 }, 1, { rows: 6, cols: 8 }],
  [{ rows: 6, cols: 8 }, { cell: 2 }, 4, { rows: 3, cols: 4 }],
  [{ rows: 6, cols: 8 }, { cell: 1, strip: 4 }, 4, { rows: 6, cols: 2 }],
  // Strips go on in the next row of patches.
  [{ rows: 6, cols: 6 }, { cell: 1, strip: 4 }, 4, { rows: 1, cols: 9 }],
])("patches %j in cells %j", (patches, cells, seats, grid) => {
  expect(seatsOf(cells)).toBe(seats);
  expect(cellGrid(patches, cells)).toEqual(grid);
  expect(cellCount(patches, cells)).toBe(grid.rows * grid.cols);
});
