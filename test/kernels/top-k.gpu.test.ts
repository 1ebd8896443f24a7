import { describe, expect, test } from "vitest";
import { topK } from "../../src/kernels/top-k.ts";
import { topK as reference } from "../reference/top-k.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";

describe("top-k", () => {
  const { gpu } = useGpu();

  async function run(values: ArrayLike<number>, kept: number): Promise<number[]> {
    const input = inputTensor(gpu(), [values.length], values);
    const order = outputTensor(gpu(), [values.length], "u32");
    return [...(await runAndRead(gpu(), order, (recorder) => topK(recorder, { values: input, order, kept })))];
  }

  test.for([
    [1, 0],
    [1, 1],
    [31, 7],
    [32, 32],
    [33, 1],
    [257, 100],
    [576, 386],
    [1500, 0],
  ])("%i values, %i kept", async ([count = 0, kept = 0]) => {
    const random = freshRandom("top-k");
    // Few distinct values, so that ties cross the boundary.
    const values = Float32Array.from({ length: count }, () => random.integer(-3, 9) / 7);
    const expected = reference(values, kept);
    expect(await run(values, kept)).toEqual([...expected.kept, ...expected.rest]);
  });

  test("equal values: the lower index is the larger", async () => {
    expect(await run([0.5, 0.5, 0.5, 0.5], 2)).toEqual([0, 1, 2, 3]);
    expect(await run([0.1, 0.5, 0.5, 0.5], 2)).toEqual([1, 2, 0, 3]);
  });
});
