import { describe, test } from "vitest";
import { siluGate } from "../../src/kernels/silu-gate.ts";
import { siluGate as reference } from "../reference/silu-gate.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { ABSOLUTE_ACTIVATION, RELATIVE_ELEMENTWISE } from "../support/tolerances.ts";

describe("silu-gate", () => {
  const { gpu } = useGpu();

  // Below, on and off the workgroup's 256; odd widths; a real one.
  test.for([
    [1, 1],
    [3, 85],
    [2, 128],
    [3, 172],
    [5, 4864],
  ])("%i rows of %i", async ([rows = 0, width = 0]) => {
    const random = freshRandom("silu-gate");
    const gate = random.floats(rows * width, 20);
    const up = random.floats(rows * width);
    const both = new Float32Array(2 * rows * width);
    for (let m = 0; m < rows; m++) {
      both.set(gate.subarray(m * width, (m + 1) * width), 2 * m * width);
      both.set(up.subarray(m * width, (m + 1) * width), (2 * m + 1) * width);
    }
    const gateUp = inputTensor(gpu(), [rows, 2 * width], both);
    const y = outputTensor(gpu(), [rows, width]);
    const found = await runAndRead(gpu(), y, (recorder) => siluGate(recorder, { gateUp, y }));
    expectClose("silu-gate", found, reference(gate, up), RELATIVE_ELEMENTWISE, ABSOLUTE_ACTIVATION);
  });
});
