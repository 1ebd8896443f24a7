import { expect, test } from "vitest";
import { dealOut } from "../../../src/model/compression/deal-out.ts";
import { dealOut as reference } from "../../reference/schedule.ts";
import { freshRandom } from "../../support/random.ts";

test.for<[tokens: number, cells: number[], expected: number[]]>([
  [10, [64], [10]],
  [8, [64, 64, 64, 64], [2, 2, 2, 2]],
  // Equal remainders: the lower views.
  [10, [64, 64, 64, 64], [3, 3, 2, 2]],
  // 2.5, 5, 7.5: the lower view of the two remainders of a half.
  [15, [10, 20, 30], [3, 5, 7]],
  // 1.2, 4.8.
  [6, [10, 40], [1, 5]],
  // 4.95, 0.05: at least one a view.
  [5, [99, 1], [4, 1]],
  // 2.475, 2.475, 0.025, 0.025: the largest give back, of equal ones the lower view.
  [5, [99, 99, 1, 1], [1, 2, 1, 1]],
  [3, [400, 5, 5], [1, 1, 1]],
  // As many as there are, and more.
  [7, [4, 3], [4, 3]],
  [9, [4, 3], [4, 3]],
])("%i tokens for views of %j cells", ([tokens, cells, expected]) => {
  expect(dealOut(tokens, cells)).toEqual(expected);
});

test("more than one at least a view, but never more than its cells", () => {
  expect(dealOut(6, [100, 2, 2], 2)).toEqual([2, 2, 2]);
  expect(dealOut(9, [100, 1, 2], 2)).toEqual([6, 1, 2]);
});

test("fewer tokens than the views need are refused", () => {
  expect(() => dealOut(3, [9, 9, 9, 9])).toThrow(RangeError);
  expect(() => dealOut(3, [9, 9, 9, 9])).toThrow(/is 3.*4 views.*at least 4/);
  expect(() => dealOut(7, [9, 9, 9, 9], 2)).toThrow(/at least 8/);
});

test("agrees with the reference, deals out all, and keeps to each view's bounds", () => {
  const random = freshRandom("deal out");
  for (let i = 0; i < 500; i++) {
    const least = random.integer(1, 2);
    const cells = Array.from({ length: random.integer(1, 17) }, () => least + Math.floor(random.uniform() ** 4 * 700));
    const total = cells.reduce((a, b) => a + b);
    const tokens = random.integer(least * cells.length, total);
    const counts = dealOut(tokens, cells, least);
    expect(counts).toEqual(reference(tokens, cells, least));
    expect(counts.reduce((a, b) => a + b)).toBe(tokens);
    expect(counts.every((count, view) => count >= least && count <= cells[view]!)).toBe(true);
  }
});
