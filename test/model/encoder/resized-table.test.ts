/** Tables of positions resized to other grids: weights by hand, and against the filter written as a double loop. */
import { describe, expect, test } from "vitest";
import { resizedTable } from "../../../src/model/encoder/resized-table.ts";
import type { Arrangement, Grid } from "../../../src/spec/picture-spec.ts";

/** The weights of one output row, one for each row of the table. */
function weightsOf({ sources, weights, taps }: Arrangement, row: number, table: number): number[] {
  const dense = new Array<number>(table).fill(0);
  for (let k = row * taps; k < (row + 1) * taps; k++) dense[sources[k]!]! += weights[k]!;
  return dense;
}

/** Weight of a source along an axis, by the definition. */
function triangle(from: number, to: number, output: number, source: number): number {
  const reach = Math.max(1, from / to);
  const weight = (j: number) => Math.max(0, 1 - Math.abs(j - ((output + 0.5) * (from / to) - 0.5)) / reach);
  let sum = 0;
  for (let j = 0; j < from; j++) sum += weight(j);
  return weight(source) / sum;
}

describe("a table of positions", () => {
  test("shrinks with a filter as wide as its step", () => {
    // Step 2, centres 0.5 and 2.5; what lies outside counts for nothing.
    const resized = resizedTable({ rows: 1, cols: 4 }, { rows: 1, cols: 2 });
    const [near, middle, far] = [0.75, 0.25, 0].map((weight) => weight / 1.75);
    const first = weightsOf(resized, 0, 4);
    for (const [i, weight] of [near!, near!, middle!, far!].entries()) expect(first[i]).toBeCloseTo(weight, 7);
    expect(weightsOf(resized, 1, 4)).toEqual(first.toReversed());
  });

  test("grows by two neighbours", () => {
    const resized = resizedTable({ rows: 1, cols: 2 }, { rows: 1, cols: 4 });
    const rows = Array.from({ length: 4 }, (_, row) => weightsOf(resized, row, 2));
    expect(rows).toEqual([
      [1, 0],
      [0.75, 0.25],
      [0.25, 0.75],
      [0, 1],
    ]);
  });

  test("of the same size is copied", () => {
    const resized = resizedTable({ rows: 3, cols: 3 }, { rows: 3, cols: 3 });
    expect(resized.taps).toBe(1);
    expect([...resized.sources]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...resized.weights]).toEqual(new Array(9).fill(1));
  });

  test("keeps rows before its grid", () => {
    const resized = resizedTable({ rows: 2, cols: 2 }, { rows: 1, cols: 1 }, { first: 1 });
    expect(weightsOf(resized, 0, 5)).toEqual([1, 0, 0, 0, 0]);
    expect(weightsOf(resized, 1, 5)).toEqual([0, 0.25, 0.25, 0.25, 0.25]);
  });

  test.for<[Grid, Grid]>([
    [
      { rows: 9, cols: 9 },
      { rows: 4, cols: 4 },
    ],
    [
      { rows: 16, cols: 16 },
      { rows: 2, cols: 64 },
    ],
    [
      { rows: 5, cols: 7 },
      { rows: 22, cols: 3 },
    ],
  ])("%o to %o", ([table, grid]) => {
    const resized = resizedTable(table, grid);
    for (let row = 0; row < grid.rows; row++)
      for (let col = 0; col < grid.cols; col++) {
        const weights = weightsOf(resized, row * grid.cols + col, table.rows * table.cols);
        for (const [source, weight] of weights.entries()) {
          const down = triangle(table.rows, grid.rows, row, Math.floor(source / table.cols));
          const across = triangle(table.cols, grid.cols, col, source % table.cols);
          expect(weight).toBeCloseTo(down * across, 6);
        }
      }
  });
});

describe("a table whose corners stay", () => {
  const along = (from: number, to: number) => {
    const resized = resizedTable({ rows: 1, cols: from }, { rows: 1, cols: to }, { corners: true });
    return Array.from({ length: to }, (_, row) => weightsOf(resized, row, from));
  };

  test("is sampled from the first row to the last", () => {
    expect(along(3, 5)).toEqual([
      [1, 0, 0],
      [0.5, 0.5, 0],
      [0, 1, 0],
      [0, 0.5, 0.5],
      [0, 0, 1],
    ]);
    // Not antialiased.
    expect(along(5, 2)).toEqual([
      [1, 0, 0, 0, 0],
      [0, 0, 0, 0, 1],
    ]);
  });

  test("gives its first row to a side of one patch", () => {
    expect(along(4, 1)).toEqual([[1, 0, 0, 0]]);
    expect(along(4, 4)).toEqual([0, 1, 2, 3].map((row) => [0, 1, 2, 3].map((source) => Number(source === row))));
  });
});

describe("a cubic filter", () => {
  const along = (from: number, to: number) => {
    const resized = resizedTable({ rows: 1, cols: from }, { rows: 1, cols: to }, { cubic: true });
    return Array.from({ length: to }, (_, row) => weightsOf(resized, row, from));
  };

  test("weighs four rows by torch's kernel, and those beyond an edge as the edge", () => {
    // torch.nn.functional.interpolate of unit vectors, mode "bicubic", from 4 to 8.
    const [edge, , middle] = along(4, 8);
    const expected = [
      [1.10546875, -0.10546875, 0, 0],
      [0.2265625, 0.87890625, -0.10546875, 0],
    ];
    for (const [i, row] of [edge!, middle!].entries())
      for (const [source, weight] of row.entries()) expect(weight, `${i}`).toBeCloseTo(expected[i]![source]!, 6);
  });

  test("leaves a table of the same size as it is, and adds up to 1", () => {
    expect(along(4, 4)).toEqual([0, 1, 2, 3].map((row) => [0, 1, 2, 3].map((source) => Number(source === row))));
    for (const row of along(5, 3)) expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
  });
});
