import { describe, expect, test } from "vitest";
import { patches } from "../../src/kernels/patches.ts";
import { patches as reference } from "../reference/patches.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";

describe("patches", () => {
  const { gpu } = useGpu();

  // The last size leaves a rest that no patch covers, as SigLIP's 384 / 14 does.
  test.for([
    [1, 1],
    [4, 2],
    [42, 14],
    [224, 16],
    [31, 7],
  ])("picture of %i in patches of %i", async ([size = 0, patchSize = 0]) => {
    const values = freshRandom("patches").floats(3 * size * size);
    const grid = Math.floor(size / patchSize);
    const pixels = inputTensor(gpu(), [3, size, size], values);
    const y = outputTensor(gpu(), [grid * grid, 3 * patchSize * patchSize]);
    const actual = await runAndRead(gpu(), y, (recorder) => patches(recorder, { pixels, y, patchSize }));
    expect(actual).toEqual(Float32Array.from(reference(values, size, patchSize)));
  });
});
