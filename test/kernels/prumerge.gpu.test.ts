import { describe, expect, test } from "vitest";
import { countOutliers, prumerge } from "../../src/kernels/prumerge.ts";
import { prumergeKept, prumerge as reference } from "../reference/prumerge.ts";
import { unit } from "../reference/unit-rows.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("prumerge", () => {
  const { gpu } = useGpu();

  // Fewer dropped cells than neighbours, and more.
  test.for([
    { views: 1, cells: 5, seats: 1, kept: 2, inner: 3, first: 0 },
    { views: 2, cells: 40, seats: 1, kept: 8, inner: 64, first: 1 },
    { views: 1, cells: 90, seats: 1, kept: 13, inner: 65, first: 1 },
    { views: 5, cells: 12, seats: 4, kept: 3, inner: 9, first: 1 },
    { views: 2, cells: 50, seats: 9, kept: 11, inner: 8, first: 0 },
    { views: 1, cells: 36, seats: 16, kept: 2, inner: 5, first: 1 },
  ])("$kept of $cells cells of $seats x $inner kept, $views views", async (shape) => {
    const { views, cells, seats, kept, inner, first } = shape;
    const random = freshRandom("prumerge");
    const keyWidth = 8;
    const batch = makeViews(views, () => {
      const before = random.floats(first * inner);
      const values = random.floats(cells * seats * inner);
      const keys = random.floats(cells * keyWidth);
      const scores = Float64Array.from(random.floats(cells), Math.abs);
      const expected = reference(values, keys, scores, kept + 1);
      const dropped = Array.from({ length: cells }, (_, i) => i).filter((i) => !expected.kept.includes(i));
      const key = (i: number) => unit(keys.subarray(i * keyWidth, (i + 1) * keyWidth));
      const cosines = expected.kept.flatMap((i) =>
        dropped.map((j) => key(i).reduce((sum, value, d) => sum + value * key(j)[d]!, 0)),
      );
      const order = [...expected.kept, ...dropped];
      return { x: joinViews([before, values]), y: joinViews([before, expected.features]), order, scores, cosines };
    });
    const x = inputTensor(gpu(), [views * (first + cells * seats), inner], joinViews(batch.map((view) => view.x)));
    const order = inputTensor(gpu(), [views, cells], joinViews(batch.map((view) => view.order)), "u32");
    const scores = inputTensor(gpu(), [views, cells], joinViews(batch.map((view) => view.scores)));
    const cosines = inputTensor(gpu(), [views, kept, cells - kept], joinViews(batch.map((view) => view.cosines)));
    const y = outputTensor(gpu(), [views * (first + (kept + 1) * seats), inner]);
    const actual = await runAndRead(gpu(), y, (recorder) =>
      prumerge(recorder, { x, order, scores, cosines, y, first, seats }),
    );
    expectNmse("rows", actual, joinViews(batch.map((view) => view.y)), NMSE_PRODUCT);
    for (const [b, { x: entered }] of batch.entries()) {
      const from = (b * y.shape[0]! * inner) / views;
      expect([...actual.subarray(from, from + first * inner)]).toEqual([...entered.subarray(0, first * inner)]);
    }
  });

  test("equal cosines: the dropped cell of lower index is nearer", async () => {
    const tokens = 40;
    const order = Array.from({ length: tokens }, (_, i) => i);
    const x = inputTensor(
      gpu(),
      [tokens, 1],
      order.map((i) => (i === 0 ? 0 : 2 ** (i % 20))),
    );
    const scores = inputTensor(gpu(), [1, tokens], new Float32Array(tokens).fill(1));
    const cosines = inputTensor(gpu(), [1, 1, tokens - 1], new Float32Array(tokens - 1).fill(0.5));
    const y = outputTensor(gpu(), [2, 1]);
    const orderTensor = inputTensor(gpu(), [1, tokens], order, "u32");
    const actual = await runAndRead(gpu(), y, (recorder) =>
      prumerge(recorder, { x, order: orderTensor, scores, cosines, y, first: 0, seats: 1 }),
    );
    const sum = (count: number) => order.slice(1, 1 + count).reduce((total, i) => total + 2 ** (i % 20), 0);
    expect([...actual]).toEqual([sum(32), sum(39)]);
  });
});

describe("outliers", () => {
  test("as many as the reference keeps, at least one", () => {
    const random = freshRandom("outliers");
    for (let i = 0; i < 50; i++) {
      const scores = Float32Array.from({ length: random.integer(1, 80) }, () => random.uniform() ** 6);
      expect(countOutliers(scores)).toBe(prumergeKept(Float64Array.from(scores)).length);
    }
    expect(countOutliers(new Float32Array(10).fill(0.1))).toBe(1);
  });
});
