/** The order of patch rows, against the reference's. */
import { expect, test } from "vitest";
import { rasterOrder } from "../../../src/model/encoder/raster-order.ts";
import { cellOrder } from "../../reference/cells.ts";

test("cells of 2 x 2 in a grid of 4 x 6, by hand", () => {
  const order = rasterOrder({ rows: 4, cols: 6 }, 2);
  expect(order).toEqual([
    ...[0, 1, 6, 7],
    ...[2, 3, 8, 9],
    ...[4, 5, 10, 11],
    ...[12, 13, 18, 19],
    ...[14, 15, 20, 21],
    ...[16, 17, 22, 23],
  ]);
});

test.for([
  [1, 5, 7],
  [2, 2, 2],
  [2, 8, 4],
  [3, 6, 9],
  [4, 32, 32],
])("cells of %i in a grid of %i x %i, as the reference", ([cell = 0, rows = 0, cols = 0]) => {
  const order = rasterOrder({ rows, cols }, cell);
  expect(order).toEqual(cellOrder(rows, cols, cell));
  expect(order.toSorted((a, b) => a - b)).toEqual([...Array(rows * cols).keys()]);
  if (cell === 1) expect(order).toEqual([...order.keys()]);
});
