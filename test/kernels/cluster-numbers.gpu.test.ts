import { describe, expect, test } from "vitest";
import { clusterNumbers } from "../../src/kernels/cluster-numbers.ts";
import { clusterNumbers as reference } from "../reference/cluster-numbers.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";

describe("cluster-numbers", () => {
  const { gpu } = useGpu();

  test.for([
    [1, 1],
    [32, 32],
    [33, 5],
    [700, 90],
  ])("%i rows, up to %i clusters", async ([rows = 0, clusters = 0]) => {
    const random = freshRandom("cluster-numbers");
    const values = Uint32Array.from({ length: rows }, () => random.integer(0, clusters - 1));
    const labels = inputTensor(gpu(), [rows], values, "u32");
    const numbers = outputTensor(gpu(), [rows], "u32");
    const actual = await runAndRead(gpu(), numbers, (recorder) => clusterNumbers(recorder, { labels, numbers }));
    expect([...actual]).toEqual([...reference(values)]);
  });
});
