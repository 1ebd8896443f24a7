/** Rows that are chosen without a look at them. */
import { expect, test } from "vitest";
import { planCompression } from "../../../src/model/compression/plan.ts";
import { evenlySpaced } from "../../../src/model/compression/rows/uniform.ts";

test.for([
  [15, 4, [1, 5, 9, 13]],
  [10, 1, [5]],
  [10, 9, [0, 1, 2, 3, 5, 6, 7, 8, 9]],
  [4, 4, [0, 1, 2, 3]],
] as const)("of %i rows %i are the middles of equal parts", ([n, k, rows]) => {
  expect(evenlySpaced(n, k)).toEqual(rows);
});

test("rows are distinct and ascending, whatever the numbers", () => {
  for (let n = 1; n <= 40; n++)
    for (let k = 1; k <= n; k++) {
      const rows = evenlySpaced(n, k);
      expect(rows.every((row, i) => row < n && (i === 0 || row > rows[i - 1]!))).toBe(true);
    }
});

test("a plan has any number of rows, and refuses other fields", () => {
  const encoder = { blocks: 12, runBlocks: 12 };
  expect(planCompression({ method: "uniform", tokens: 9 }, encoder, [9000])).toEqual([
    { method: "uniform", tokens: 9 },
  ]);
  expect(planCompression({ method: "uniform" }, encoder, [64, 1])).toEqual([
    { method: "uniform", tokens: 32 },
    { method: "none" },
  ]);
  expect(() => planCompression({ method: "uniform", stages: 2 } as never, encoder, [64])).toThrow(/stages/);
  expect(() => planCompression({ method: "toString" } as never, encoder, [64])).toThrow(
    /must be "none".* or "uniform", got "toString"/,
  );
  expect(() => planCompression({ method: 3 } as never, encoder, [64])).toThrow(/got 3/);
});
