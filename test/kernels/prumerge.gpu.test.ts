import { describe, expect, test } from "vitest";
import { countOutliers, prumerge } from "../../src/kernels/prumerge.ts";
import { prumergeKept, prumerge as reference } from "../reference/prumerge.ts";
import { unit } from "../reference/unit-rows.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("prumerge", () => {
  const { gpu } = useGpu();

  // Fewer dropped tokens than neighbours, exactly as many, and more.
  test.for([
    { tokens: 5, kept: 2, width: 3, first: 0 },
    { tokens: 40, kept: 8, width: 64, first: 1 },
    { tokens: 90, kept: 13, width: 65, first: 1 },
  ])("$kept of $tokens tokens kept, width $width", async ({ tokens, kept, width, first }) => {
    const random = freshRandom("prumerge");
    const keyWidth = 8;
    const values = random.floats((first + tokens) * width);
    const keys = random.floats(tokens * keyWidth);
    const scoreValues = Float64Array.from(random.floats(tokens), Math.abs);
    const expected = reference(values.subarray(first * width), keys, scoreValues, kept + 1);
    const dropped = Array.from({ length: tokens }, (_, i) => i).filter((i) => !expected.kept.includes(i));
    const key = (i: number) => unit(keys.subarray(i * keyWidth, (i + 1) * keyWidth));
    const cosineValues = expected.kept.flatMap((i) =>
      dropped.map((j) => key(i).reduce((sum, value, d) => sum + value * key(j)[d]!, 0)),
    );
    const x = inputTensor(gpu(), [first + tokens, width], values);
    const order = inputTensor(gpu(), [tokens], [...expected.kept, ...dropped], "u32");
    const scores = inputTensor(gpu(), [tokens], scoreValues);
    const cosines = inputTensor(gpu(), [kept, dropped.length], cosineValues);
    const y = outputTensor(gpu(), [first + kept + 1, width]);
    const actual = await runAndRead(gpu(), y, (recorder) =>
      prumerge(recorder, { x, order, scores, cosines, y, first }),
    );
    expectNmse("front", actual.subarray(0, first * width), values.subarray(0, first * width), 0);
    expectNmse("tokens", actual.subarray(first * width), expected.features, NMSE_PRODUCT);
  });

  test("equal cosines: the dropped token of lower index is nearer", async () => {
    const tokens = 40;
    const order = Array.from({ length: tokens }, (_, i) => i);
    const x = inputTensor(
      gpu(),
      [tokens, 1],
      order.map((i) => (i === 0 ? 0 : 2 ** (i % 20))),
    );
    const scores = inputTensor(gpu(), [tokens], new Float32Array(tokens).fill(1));
    const cosines = inputTensor(gpu(), [1, tokens - 1], new Float32Array(tokens - 1).fill(0.5));
    const y = outputTensor(gpu(), [2, 1]);
    const orderTensor = inputTensor(gpu(), [tokens], order, "u32");
    const actual = await runAndRead(gpu(), y, (recorder) =>
      prumerge(recorder, { x, order: orderTensor, scores, cosines, y, first: 0 }),
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
