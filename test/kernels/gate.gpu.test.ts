import { describe, test } from "vitest";
import { gate as gated } from "../../src/kernels/gate.ts";
import { gate as reference } from "../reference/gate.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { ABSOLUTE_ACTIVATION, RELATIVE_ELEMENTWISE } from "../support/tolerances.ts";

describe("gate", () => {
  const { gpu } = useGpu();

  // Below, on and off the workgroup's 256; odd widths; a real one.
  test.for([
    [1, 1],
    [3, 85],
    [2, 128],
    [3, 172],
    [5, 4864],
  ])("%i rows of %i", async ([rows = 0, width = 0]) => {
    const random = freshRandom("gate");
    const gate = random.floats(rows * width, 20);
    const up = random.floats(rows * width);
    const both = new Float32Array(2 * rows * width);
    for (let m = 0; m < rows; m++) {
      both.set(gate.subarray(m * width, (m + 1) * width), 2 * m * width);
      both.set(up.subarray(m * width, (m + 1) * width), (2 * m + 1) * width);
    }
    const gateUp = inputTensor(gpu(), [rows, 2 * width], both);
    const y = outputTensor(gpu(), [rows, width]);
    for (const activation of ["silu", "gelu_tanh"] as const) {
      const found = await runAndRead(gpu(), y, (recorder) => gated(recorder, { gateUp, y, activation }));
      expectClose("gate", found, reference(gate, up, activation), RELATIVE_ELEMENTWISE, ABSOLUTE_ACTIVATION);
    }
  });
});
