import { describe, test } from "vitest";
import { withCapabilities } from "../../src/gpu/pass.ts";
import { rmsNorm } from "../../src/kernels/rms-norm.ts";
import { rmsNorm as reference } from "../reference/rms-norm.ts";
import { expectNmse } from "../support/compare.ts";
import { checkVariants, freshRandom, inputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("rms-norm", () => {
  const { gpu } = useGpu();

  // Below, on and off the workgroup's 128; a real width.
  test.for([
    [1, 1],
    [3, 127],
    [2, 128],
    [5, 129],
    [4, 4096],
  ])("%i rows of %i", async ([rows = 0, width = 0]) => {
    const random = freshRandom("rms-norm");
    const values = { x: random.floats(rows * width, 3), weight: random.floats(width) };
    const x = inputTensor(gpu(), [rows, width], values.x);
    const weight = inputTensor(gpu(), [width], values.weight);
    const eps = 1e-5;
    const expected = reference(values.x, values.weight, eps);
    // A GPU's rows have larger workgroups than a software adapter's.
    for (const software of [false, true])
      await checkVariants(
        gpu(),
        [rows, width],
        (recorder, y) => rmsNorm(withCapabilities(recorder, { software }), { x, weight, y, eps }),
        (y, variant) => expectNmse(variant, y, expected, NMSE_PRODUCT),
      );
  });

  test("added to what is there", async () => {
    const random = freshRandom("rms-norm");
    const [rows, width, eps] = [3, 70, 1e-5];
    const [x, weight, before] = [rows * width, width, rows * width].map((count) => random.floats(count));
    const y = inputTensor(gpu(), [rows, width], before!);
    const args = { x: inputTensor(gpu(), [rows, width], x!), weight: inputTensor(gpu(), [width], weight!), y, eps };
    const found = await runAndRead(gpu(), y, (recorder) => rmsNorm(recorder, { ...args, accumulate: true }));
    const expected = reference(x!, weight!, eps).map((value, i) => value + before![i]!);
    expectNmse("sum", found, expected, NMSE_PRODUCT);
  });
});
