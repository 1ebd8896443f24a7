import { describe, expect, test } from "vitest";
import { gatherCells } from "../../src/kernels/gather-cells.ts";
import { gatherCells as reference } from "../reference/gather-cells.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("gather-cells", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, cells: 1, seats: 1, kept: 1, inner: 1, first: 0 },
    { views: 2, cells: 9, seats: 1, kept: 4, inner: 63, first: 1 },
    { views: 5, cells: 12, seats: 4, kept: 12, inner: 7, first: 0 },
    { views: 2, cells: 6, seats: 9, kept: 1, inner: 10, first: 1 },
    { views: 1, cells: 5, seats: 16, kept: 3, inner: 6, first: 1 },
  ])("$kept of $cells cells of $seats x $inner after $first, $views views", async (shape) => {
    const { views, cells, seats, kept, inner, first } = shape;
    const random = freshRandom("gather-cells");
    const batch = makeViews(views, () => {
      const before = random.floats(first * inner);
      const values = random.floats(cells * seats * inner);
      const order = makeViews(cells, () => random.integer(0, cells - 1));
      const expected = reference(values, order.slice(0, kept), seats * inner);
      return { x: joinViews([before, values]), order, y: joinViews([before, expected]) };
    });
    const x = inputTensor(gpu(), [views * (first + cells * seats), inner], joinViews(batch.map((view) => view.x)));
    const orderValues = batch.flatMap((view) => view.order);
    const order = inputTensor(gpu(), [views, cells], orderValues, "u32");
    const y = outputTensor(gpu(), [views * (first + kept * seats), inner]);
    const actual = await runAndRead(gpu(), y, (recorder) => gatherCells(recorder, { x, order, y, first, seats }));
    expect([...actual]).toEqual([...joinViews(batch.map((view) => view.y))]);
  });

  test("copies the bits of integers, those that are no f32 too", async () => {
    const bits = [0x7fa00001, 0xffffffff, 1, 0x80000000];
    const x = inputTensor(gpu(), [4, 1], bits, "u32");
    const order = inputTensor(gpu(), [1, 4], [3, 0, 1, 2], "u32");
    const y = outputTensor(gpu(), [3, 1], "u32");
    const args = { x, order, y, first: 0, seats: 1 };
    const actual = await runAndRead(gpu(), y, (recorder) => gatherCells(recorder, args));
    expect([...actual]).toEqual([0x80000000, 0x7fa00001, 0xffffffff]);
  });
});
