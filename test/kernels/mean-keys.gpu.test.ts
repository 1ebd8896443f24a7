import { describe, test } from "vitest";
import { meanKeys } from "../../src/kernels/mean-keys.ts";
import { meanKeys as reference } from "../reference/mean-keys.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("mean-keys", () => {
  const { gpu } = useGpu();

  test.for([
    { tokens: 1, heads: 1, headWidth: 1, first: 0 },
    { tokens: 49, heads: 4, headWidth: 16, first: 1 },
    { tokens: 10, heads: 3, headWidth: 7, first: 0 },
  ])("$tokens tokens, $heads heads of $headWidth behind $first", async ({ tokens, heads, headWidth, first }) => {
    const width = heads * headWidth;
    // Keys lie in the middle of packed rows.
    const qkv = freshRandom("mean-keys").floats((first + tokens) * 3 * width);
    const keys = Array.from({ length: tokens }, (_, i) => {
      const start = (first + i) * 3 * width + width;
      return [...qkv.subarray(start, start + width)];
    });
    const tensor = inputTensor(gpu(), [first + tokens, 3 * width], qkv);
    const y = outputTensor(gpu(), [tokens, headWidth]);
    const k = { tensor, stride: 3 * width, offset: width };
    const actual = await runAndRead(gpu(), y, (recorder) => meanKeys(recorder, { k, y, first, heads, headWidth }));
    expectNmse("mean", actual, reference(keys.flat(), heads, headWidth), NMSE_PRODUCT);
  });
});
