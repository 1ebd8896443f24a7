import { describe, test } from "vitest";
import { pool } from "../../src/kernels/pool.ts";
import { pool as reference } from "../reference/pool.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("pool", () => {
  const { gpu } = useGpu();

  // Factors that divide the grid, that leave a rest on one side or both, and that exceed it.
  test.for([
    { views: 1, rows: 1, cols: 1, seats: 1, factor: 2, inner: 1, first: 1 },
    { views: 1, rows: 8, cols: 8, seats: 1, factor: 2, inner: 65, first: 0 },
    { views: 2, rows: 7, cols: 7, seats: 1, factor: 3, inner: 64, first: 1 },
    { views: 5, rows: 5, cols: 3, seats: 4, factor: 9, inner: 10, first: 1 },
    { views: 2, rows: 4, cols: 7, seats: 9, factor: 2, inner: 6, first: 0 },
    { views: 1, rows: 6, cols: 2, seats: 16, factor: 3, inner: 5, first: 1 },
  ])("$views views of $rows x $cols cells of $seats by $factor", async (shape) => {
    const { views, rows, cols, seats, factor, inner, first } = shape;
    const random = freshRandom("pool");
    const batch = makeViews(views, () => {
      const before = random.floats(first * inner);
      const cells = random.floats(rows * cols * seats * inner);
      return { x: joinViews([before, cells]), y: joinViews([before, reference(cells, rows, cols, factor)]) };
    });
    const x = inputTensor(
      gpu(),
      [views * (first + rows * cols * seats), inner],
      joinViews(batch.map((view) => view.x)),
    );
    const expected = joinViews(batch.map((view) => view.y));
    const y = outputTensor(gpu(), [expected.length / inner, inner]);
    const args = { x, y, rows, cols, seats, factor, first };
    expectNmse("averages", await runAndRead(gpu(), y, (recorder) => pool(recorder, args)), expected, NMSE_PRODUCT);
  });
});
