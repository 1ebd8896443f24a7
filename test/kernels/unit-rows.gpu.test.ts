import { describe, expect, test } from "vitest";
import { unitRows } from "../../src/kernels/unit-rows.ts";
import { unitRows as reference } from "../reference/unit-rows.ts";
import { expectNmse } from "../support/compare.ts";
import { checkVariants, freshRandom, inputTensor, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("unit-rows", () => {
  const { gpu } = useGpu();

  test.for([
    { tokens: 2, width: 1, first: 0, begin: 1 },
    { tokens: 9, width: 63, first: 1, begin: 4 },
    { tokens: 20, width: 64, first: 0, begin: 0 },
    { tokens: 20, width: 130, first: 1, begin: 7 },
  ])("$tokens tokens of $width from $begin", async ({ tokens, width, first, begin }) => {
    const random = freshRandom("unit-rows");
    const values = random.floats((first + tokens) * width);
    const order = Array.from({ length: tokens }, (_, i) => tokens - 1 - i);
    // A row of zeros, and one whose squares are below what f32 holds.
    values.fill(0, (first + order[begin]!) * width, (first + order[begin]! + 1) * width);
    const tiny = (first + order[tokens - 1]!) * width;
    for (let c = 0; c < width; c++) values[tiny + c]! *= 1e-25;
    const x = inputTensor(gpu(), [first + tokens, width], values);
    const orderTensor = inputTensor(gpu(), [tokens], order, "u32");
    const expected = reference(values, order.slice(begin), width, first);
    await checkVariants(
      gpu(),
      [tokens - begin, width],
      (recorder, y) => unitRows(recorder, { x, order: orderTensor, y, first, begin }),
      (y, variant) => {
        expectNmse(variant, y, expected, NMSE_PRODUCT);
        expect(y.subarray(0, width).every((value) => value === 0)).toBe(true);
      },
    );
  });
});
