import { describe, expect, test } from "vitest";
import { clusterNumbers } from "../../src/kernels/cluster-numbers.ts";
import { clusterNumbers as reference } from "../reference/cluster-numbers.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("cluster-numbers", () => {
  const { gpu } = useGpu();

  test.for([
    [1, 1, 1],
    [2, 32, 32],
    [5, 33, 5],
    [1, 700, 90],
  ])("%i views of %i rows, up to %i clusters", async ([views = 0, rows = 0, clusters = 0]) => {
    const random = freshRandom("cluster-numbers");
    const values = makeViews(views, () => Uint32Array.from({ length: rows }, () => random.integer(0, clusters - 1)));
    const labels = inputTensor(gpu(), [views, rows], joinViews(values), "u32");
    const numbers = outputTensor(gpu(), [views, rows], "u32");
    const actual = await runAndRead(gpu(), numbers, (recorder) => clusterNumbers(recorder, { labels, numbers }));
    expect([...actual]).toEqual(values.flatMap((view) => [...reference(view)]));
  });
});
