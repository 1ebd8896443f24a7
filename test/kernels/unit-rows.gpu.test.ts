import { describe, expect, test } from "vitest";
import { unitRows } from "../../src/kernels/unit-rows.ts";
import { unitRows as reference } from "../reference/unit-rows.ts";
import { expectNmse } from "../support/compare.ts";
import { checkVariants, freshRandom, inputTensor, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("unit-rows", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, cells: 2, seats: 1, inner: 1, first: 0, begin: 1 },
    { views: 1, cells: 9, seats: 1, inner: 63, first: 1, begin: 4 },
    { views: 2, cells: 20, seats: 1, inner: 64, first: 0, begin: 0 },
    { views: 1, cells: 20, seats: 1, inner: 130, first: 1, begin: 7 },
    { views: 5, cells: 6, seats: 4, inner: 10, first: 1, begin: 2 },
    { views: 2, cells: 5, seats: 9, inner: 17, first: 0, begin: 3 },
    { views: 1, cells: 7, seats: 16, inner: 8, first: 1, begin: 1 },
  ])("$views views of $cells cells of $seats x $inner from $begin, $first before", async (shape) => {
    const { views, cells, seats, inner, first, begin } = shape;
    const random = freshRandom("unit-rows");
    const width = seats * inner;
    const order = Array.from({ length: cells }, (_, i) => cells - 1 - i);
    const batch = makeViews(views, () => {
      const before = random.floats(first * inner);
      const values = random.floats(cells * width);
      // A cell of zeros, and one whose squares are below what f32 holds.
      values.fill(0, order[begin]! * width, (order[begin]! + 1) * width);
      for (let c = 0; c < width; c++) values[order[cells - 1]! * width + c]! *= 1e-25;
      return { all: joinViews([before, values]), expected: reference(values, order.slice(begin), width) };
    });
    const x = inputTensor(gpu(), [views * (first + cells * seats), inner], joinViews(batch.map(({ all }) => all)));
    const orderTensor = inputTensor(gpu(), [views, cells], makeViews(views, () => order).flat(), "u32");
    await checkVariants(
      gpu(),
      [views, cells - begin, width],
      (recorder, y) => unitRows(recorder, { x, order: orderTensor, y, first, begin }),
      (y, variant) => {
        expectNmse(variant, y, joinViews(batch.map(({ expected }) => expected)), NMSE_PRODUCT);
        expect(y.subarray(0, width).every((value) => value === 0)).toBe(true);
      },
    );
  });
});
