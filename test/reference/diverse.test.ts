/** The choice of rows far from each other, on rows small enough to check by hand. */
import { expect, test } from "vitest";
import { diverse } from "./diverse.ts";

/** Rows of width 2 at these angles, in degrees. */
const at = (...degrees: number[]) =>
  degrees.flatMap((degree) => [Math.cos((degree * Math.PI) / 180), Math.sin((degree * Math.PI) / 180)]);

test("the row farthest from its nearest comes first, then the row farthest from all that are kept", () => {
  // Gaps to the nearest: 10, 10, 50, 50.
  const x = at(0, 10, 60, 110);
  expect(diverse(x, 2, 1).chosen).toEqual([2]);
  // From 60: 60, 50, -, 50. From 60 and 0: -, 10, -, 50.
  expect(diverse(x, 2, 3).chosen).toEqual([2, 0, 3]);
  expect(diverse(x, 2, 3).kept).toEqual([0, 2, 3]);
  expect(diverse(x, 2, 4).chosen).toEqual([2, 0, 3, 1]);
});

test("lengths do not count, and a row of zeros is at distance 1 from every row", () => {
  const x = [...at(0, 10).map((value) => value * 1e6), 0, 0, ...at(80).map((value) => value * 1e-6)];
  // Nearest: 0.015, 0.015, 1, 0.66.
  expect(diverse(x, 2, 3).chosen).toEqual([2, 0, 3]);
});

test("equal distances: the lowest index, also within a millionth", () => {
  expect(diverse(at(0, 90, 180, 270), 2, 4).chosen).toEqual([0, 2, 1, 3]);
  expect(diverse([1, 1, 1], 1, 2).chosen).toEqual([0, 1]);
  // Row 2 lies farther by 5e-7 than row 1.
  expect(diverse([1, 0, 5e-7, 1, 0, 1, -1, 0, -1, 0], 2, 3).chosen).toEqual([0, 3, 1]);
});

test("a view of one row keeps it", () => {
  expect(diverse([3, 4], 2, 1)).toEqual({ chosen: [0], kept: [0] });
});
