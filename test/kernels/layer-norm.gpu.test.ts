import { describe, test } from "vitest";
import { withCapabilities } from "../../src/gpu/pass.ts";
import { layerNorm } from "../../src/kernels/layer-norm.ts";
import { layerNorm as reference } from "../reference/layer-norm.ts";
import { expectNmse } from "../support/compare.ts";
import { checkVariants, freshRandom, inputTensor, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("layer-norm", () => {
  const { gpu } = useGpu();

  // Below, on and off the workgroup's 128; a real width.
  test.for([
    [1, 1],
    [3, 127],
    [2, 128],
    [5, 129],
    [4, 4096],
  ])("%i rows of %i", async ([rows = 0, width = 0]) => {
    const random = freshRandom("layer-norm");
    // A mean far from zero: a variance by sums of squares would cancel.
    const values = {
      x: random.floats(rows * width).map((value) => value + 30),
      weight: random.floats(width),
      bias: random.floats(width),
    };
    const x = inputTensor(gpu(), [rows, width], values.x);
    const weight = inputTensor(gpu(), [width], values.weight);
    const bias = inputTensor(gpu(), [width], values.bias);
    const eps = 1e-5;
    const expected = reference(values.x, values.weight, values.bias, eps);
    // A GPU's rows have larger workgroups than a software adapter's.
    for (const software of [false, true])
      await checkVariants(
        gpu(),
        [rows, width],
        (recorder, y) => layerNorm(withCapabilities(recorder, { software }), { x, weight, bias, y, eps }),
        (y, variant) => expectNmse(variant, y, expected, NMSE_PRODUCT),
      );
  });
});
