import { describe, test } from "vitest";
import { addScaled } from "../../src/kernels/add-scaled.ts";
import { addScaled as reference } from "../reference/add-scaled.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("add-scaled", () => {
  const { gpu } = useGpu();

  test.for([
    [1, 1],
    [3, 63],
    [5, 64],
    [130, 65],
  ] as const)("%i rows of %i", async ([rows, width]) => {
    const random = freshRandom("add-scaled");
    const [x, scale, before] = [random.floats(rows * width), random.floats(width), random.floats(rows * width)];
    const y = inputTensor(gpu(), [rows, width], before);
    const args = { x: inputTensor(gpu(), [rows, width], x), scale: inputTensor(gpu(), [width], scale), y };
    const actual = await runAndRead(gpu(), y, (recorder) => addScaled(recorder, args));
    expectNmse("sums", actual, reference(x, scale, before), NMSE_PRODUCT);
  });
});
