import { describe, expect, test } from "vitest";
import { headGate } from "../../src/kernels/head-gate.ts";
import { headGate as reference } from "../reference/head-gate.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { ABSOLUTE_ACTIVATION, RELATIVE_ELEMENTWISE } from "../support/tolerances.ts";

describe("head-gate", () => {
  const { gpu } = useGpu();

  // [T, H, D, first gate, from a gate to the next, channels after the last].
  test.for([
    [1, 1, 1, 0, 1, 0],
    [3, 3, 32, 32, 64, 64],
    [5, 2, 18, 18, 36, 7],
    [2, 4, 16, 5, 16, 0],
    [2, 2, 256, 256, 512, 0],
  ])("%i rows of %i heads of %i", async ([rows = 0, heads = 0, headWidth = 0, offset = 0, pitch = 0, after = 0]) => {
    const random = freshRandom("head-gate");
    const stride = offset + (heads - 1) * pitch + headWidth + after;
    const values = random.floats(rows * heads * headWidth);
    const gates = random.floats(rows * stride, 20);
    const x = inputTensor(gpu(), [rows, heads * headWidth], values);
    const gate = inputTensor(gpu(), [rows, stride], gates);
    const found = await runAndRead(gpu(), x, (pass) => headGate(pass, { x, gate, offset, pitch, headWidth }));
    const expected = reference(values, gates, { rows, heads, offset, pitch });
    expectClose("head-gate", found, expected, RELATIVE_ELEMENTWISE, ABSOLUTE_ACTIVATION);
  });

  test("a gate that does not fit in its rows is refused", () => {
    const [x, gate] = [outputTensor(gpu(), [2, 8]), outputTensor(gpu(), [2, 15])];
    const args = { x, gate, offset: 4, pitch: 8, headWidth: 4 };
    expect(() => gpu().submit("test", (pass) => headGate(pass, args))).toThrow("from 4 every 8 of 15");
  });
});
