import { describe, expect, test } from "vitest";
import { topK } from "../../src/kernels/top-k.ts";
import { topK as reference } from "../reference/top-k.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("top-k", () => {
  const { gpu } = useGpu();

  async function run(views: readonly ArrayLike<number>[], kept: number): Promise<number[]> {
    const shape = [views.length, views[0]!.length];
    const values = inputTensor(gpu(), shape, joinViews(views));
    const order = outputTensor(gpu(), shape, "u32");
    return [...(await runAndRead(gpu(), order, (recorder) => topK(recorder, { values, order, kept })))];
  }

  test.for([
    [1, 1, 0],
    [1, 1, 1],
    [2, 31, 7],
    [1, 32, 32],
    [5, 33, 1],
    [1, 257, 100],
    [2, 576, 386],
    [1, 1500, 0],
  ])("%i views of %i values, %i kept", async ([views = 0, count = 0, kept = 0]) => {
    const random = freshRandom("top-k");
    // Few distinct values, so that ties cross the boundary.
    const values = makeViews(views, () => Float32Array.from({ length: count }, () => random.integer(-3, 9) / 7));
    const expected = values.flatMap((view) => Object.values(reference(view, kept)).flat());
    expect(await run(values, kept)).toEqual(expected);
  });

  test("equal values: the lower index is the larger", async () => {
    expect(await run([[0.5, 0.5, 0.5, 0.5]], 2)).toEqual([0, 1, 2, 3]);
    expect(await run([[0.1, 0.5, 0.5, 0.5]], 2)).toEqual([1, 2, 0, 3]);
  });
});
