import { describe, test } from "vitest";
import { meanKeys } from "../../src/kernels/mean-keys.ts";
import { meanKeys as reference } from "../reference/mean-keys.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("mean-keys", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, rows: 1, heads: 1, headWidth: 1, first: 0 },
    { views: 2, rows: 49, heads: 4, headWidth: 16, first: 1 },
    { views: 5, rows: 10, heads: 3, headWidth: 7, first: 0 },
    { views: 2, rows: 3, heads: 2, headWidth: 5, first: 2 },
  ])("$views views of $rows rows, $heads heads of $headWidth after $first", async (shape) => {
    const { views, rows, heads, headWidth, first } = shape;
    const width = heads * headWidth;
    const random = freshRandom("mean-keys");
    // Keys lie in the middle of packed rows.
    const batch = makeViews(views, () => random.floats((first + rows) * 3 * width));
    const keysOf = (qkv: Float32Array) =>
      makeViews(rows, (i) => [...qkv.subarray((first + i) * 3 * width).subarray(width, 2 * width)]).flat();
    const tensor = inputTensor(gpu(), [views * (first + rows), 3 * width], joinViews(batch));
    const y = outputTensor(gpu(), [views, rows, headWidth]);
    const k = { tensor, stride: 3 * width, offset: width };
    const actual = await runAndRead(gpu(), y, (recorder) => meanKeys(recorder, { k, y, first, heads, headWidth }));
    const expected = joinViews(batch.map((qkv) => reference(keysOf(qkv), heads, headWidth)));
    expectNmse("mean", actual, expected, NMSE_PRODUCT);
  });
});
