import { describe, test } from "vitest";
import { softCap } from "../../src/kernels/soft-cap.ts";
import { softCap as reference } from "../reference/soft-cap.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, inputTensor, runAndRead, useGpu } from "../support/gpu.ts";

describe("soft-cap", () => {
  const { gpu } = useGpu();

  // Below and above the workgroup's 256; far beyond the cap, where an exponent would overflow.
  test.for([
    [1, 30, 10],
    [300, 30, 100],
    [257, 4, 1e4],
    [100, 50, 1e-3],
  ])("%i values, cap %d, values up to %d", async ([count = 0, cap = 0, scale = 0]) => {
    const given = freshRandom("soft-cap").floats(count, scale);
    const values = inputTensor(gpu(), [count], given);
    const found = await runAndRead(gpu(), values, (recorder) => softCap(recorder, { values, cap }));
    const expected = Float64Array.from(given, (value) => reference(value, cap));
    expectClose("soft-cap", found, expected, 1e-5, cap * 2e-7);
  });
});
