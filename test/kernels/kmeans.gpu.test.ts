import { describe, expect, test } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { readTensor } from "../../src/gpu/readback.ts";
import { kmeans } from "../../src/kernels/kmeans.ts";
import { unitRows } from "../../src/kernels/unit-rows.ts";
import { kMeans as reference } from "../reference/kmeans.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { sharedJson } from "../support/shared.ts";

/** Labels of rows by the GPU. */
async function gpuLabels(gpu: Gpu, rows: number[][], clusters: number, iterations: number): Promise<number[]> {
  const [count, width] = [rows.length, rows[0]!.length];
  const order = inputTensor(gpu, [count], [...rows.keys()], "u32");
  const x = inputTensor(gpu, [count, width], rows.flat());
  const floats = (shape: number[]) => outputTensor(gpu, shape);
  const ints = (shape: number[]) => outputTensor(gpu, shape, "u32");
  const unit = floats([count, width]);
  const scratch = {
    centers: floats([clusters, width]),
    cosines: floats([count, clusters]),
    labels: ints([count]),
    own: floats([count]),
    counts: ints([clusters]),
    next: ints([count]),
    done: ints([1]),
  };
  const numbers = ints([count]);
  const labels = await runAndRead(gpu, numbers, (recorder) => {
    unitRows(recorder, { x, order, y: unit, first: 0, begin: 0 });
    kmeans(recorder, { x: unit, ...scratch, numbers, iterations });
  });
  // Rounds that did not converge leave `done` at 0; the flag is 0 or 1 and never poison.
  expect([0, 1]).toContain((await readTensor(gpu, scratch.done))[0]);
  return [...labels];
}

interface Case {
  kind: string;
  clusters: number;
  rounds: number;
  rows: number[][];
  labels: number[];
}

describe("kmeans", () => {
  const { gpu } = useGpu();

  test("every case of kmeans.json", async () => {
    const cases = await sharedJson<Case[]>("golden/kmeans.json");
    expect(cases.length).toBeGreaterThan(10);
    for (const [i, { kind, clusters, rows, labels }] of cases.entries())
      expect(await gpuLabels(gpu(), rows, Math.min(clusters, rows.length), 10), `case ${i}: ${kind}`).toEqual(labels);
  });
});

describe("kmeans", () => {
  const { gpu } = useGpu();

  test("ends after as many rounds as are allowed", async () => {
    const random = freshRandom("kmeans");
    let different = 0;
    for (let i = 0; i < 20; i++) {
      const rows = Array.from({ length: 40 }, () => [...random.floats(3)]);
      for (const iterations of [1, 2, 10]) {
        const expected = [...reference(rows.flat(), 3, 6, iterations).labels];
        expect(await gpuLabels(gpu(), rows, 6, iterations)).toEqual(expected);
        if (iterations === 10)
          different += Number(String(expected) !== String([...reference(rows.flat(), 3, 6, 1).labels]));
      }
    }
    expect(different, "cases in which later rounds matter").toBeGreaterThan(0);
  });
});
