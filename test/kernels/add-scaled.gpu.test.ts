import { describe, expect, test } from "vitest";
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
    const [x, before] = [random.floats(rows * width), random.floats(rows * width)];
    for (const scale of [random.floats(width), random.floats(1)])
      for (const isGate of [false, true]) {
        const y = inputTensor(gpu(), [rows, width], before);
        const args = { x: inputTensor(gpu(), [rows, width], x), scale: inputTensor(gpu(), [scale.length], scale), y };
        const actual = await runAndRead(gpu(), y, (recorder) => addScaled(recorder, { ...args, isGate }));
        expectNmse("sums", actual, reference(x, scale, before, isGate), NMSE_PRODUCT);
      }
  });

  test("gates that are all open, all closed, and nearly closed", async () => {
    const gates = [40, -40, 0, 1e-4, -1e-4, 1e30, -1e30, 0.5];
    const y = inputTensor(gpu(), [1, 8], new Float32Array(8));
    const args = {
      x: inputTensor(gpu(), [1, 8], new Float32Array(8).fill(1)),
      scale: inputTensor(gpu(), [8], gates),
      y,
    };
    const actual = await runAndRead(gpu(), y, (recorder) => addScaled(recorder, { ...args, isGate: true }));
    for (const [i, gate] of gates.entries())
      expect(Math.abs(actual[i]! - Math.tanh(gate)), `${gate}`).toBeLessThan(2e-7);
  });
});
