import { describe, expect, test } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { readTensor } from "../../src/gpu/readback.ts";
import { view } from "../../src/gpu/tensor.ts";
import { cosineRows, kmeans } from "../../src/kernels/kmeans.ts";
import { unitRows } from "../../src/kernels/unit-rows.ts";
import { kMeans as reference } from "../reference/kmeans.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { type Disturb, hasMargin } from "../support/margin.ts";
import { sharedJson } from "../support/shared.ts";
import { makeViews } from "../support/views.ts";

/** Labels of the rows of views by the GPU; all views have as many rows. */
async function gpuLabels(
  gpu: Gpu,
  views: number[][][],
  clusters: number,
  iterations: number,
): Promise<{ labels: number[]; done: number[] }> {
  const [batch, count, width] = [views.length, views[0]!.length, views[0]![0]!.length];
  const order = inputTensor(gpu, [batch, count], makeViews(batch, () => [...Array(count).keys()]).flat(), "u32");
  const x = inputTensor(gpu, [batch * count, width], views.flat(2));
  const floats = (shape: number[]) => outputTensor(gpu, shape);
  const ints = (shape: number[]) => outputTensor(gpu, shape, "u32");
  const unit = floats([batch, count, width]);
  const scratch = {
    centers: floats([batch, clusters, width]),
    cosines: floats([batch, cosineRows(batch, count), clusters]),
    labels: ints([batch, count]),
    own: floats([batch, count]),
    counts: ints([batch, clusters]),
    next: ints([batch, count]),
    done: ints([batch]),
  };
  const numbers = ints([batch, count]);
  const labels = await runAndRead(gpu, view(numbers, [batch * count]), (recorder) => {
    unitRows(recorder, { x, order, y: unit, first: 0, begin: 0 });
    kmeans(recorder, { x: unit, ...scratch, numbers, iterations });
  });
  return { labels: [...labels], done: [...(await readTensor(gpu, scratch.done))] };
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
    for (const [i, { kind, clusters, rows, labels }] of cases.entries()) {
      const actual = await gpuLabels(gpu(), [rows], Math.min(clusters, rows.length), 10);
      expect(actual.labels, `case ${i}: ${kind}`).toEqual(labels);
    }
  });
});

describe("kmeans", () => {
  const { gpu } = useGpu();

  test("ends after as many rounds as are allowed, each view by itself", async () => {
    const random = freshRandom("kmeans");
    let different = 0;
    let mixed = 0;
    const rowsWithMargin = (): number[][] => {
      const rows = Array.from({ length: 40 }, () => [...random.floats(3)]);
      const labelsOf = (disturb: Disturb) => reference(rows.flat(), 3, 6, 10, disturb).labels;
      return hasMargin(random, labelsOf) ? rows : rowsWithMargin();
    };
    for (let i = 0; i < 20; i++) {
      const views = makeViews([1, 2, 5][i % 3]!, rowsWithMargin);
      for (const iterations of [1, 2, 10]) {
        const found = views.map((rows) => reference(rows.flat(), 3, 6, iterations));
        const { labels, done } = await gpuLabels(gpu(), views, 6, iterations);
        expect(labels).toEqual(found.flatMap((each) => [...each.labels]));
        if (iterations < 10) continue;
        // A round that changes nothing marks its view as done; the flag is 0 or 1 and never poison.
        expect(done.every((flag, b) => (found[b]!.rounds < iterations ? flag === 1 : flag <= 1))).toBe(true);
        mixed += Number(new Set(found.map(({ rounds }) => rounds)).size > 1);
        different += Number(
          views.some((rows, b) => `${found[b]!.labels}` !== `${reference(rows.flat(), 3, 6, 1).labels}`),
        );
      }
    }
    expect(different, "cases in which later rounds matter").toBeGreaterThan(0);
    expect(mixed, "batches whose views end after different rounds").toBeGreaterThan(0);
  });

  test("of more rows than a block of cosines holds", async () => {
    const random = freshRandom("kmeans blocks");
    // Five groups around the axes, one after another, so that each seed is in a group of its own.
    const group = (r: number) => Math.floor(r / 140);
    const rows = makeViews(700, (r) => makeViews(5, (axis) => Number(axis === group(r)) + 0.1 * random.uniform()));
    expect(cosineRows(1, rows.length)).toBeLessThan(rows.length);
    const { labels } = await gpuLabels(gpu(), [rows], 5, 10);
    expect(labels).toEqual(rows.map((_, r) => group(r)));
    expect(labels).toEqual([...reference(rows.flat(), 5, 5, 10).labels]);
  });
});
