import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { kmeansNearest } from "../../src/kernels/kmeans-nearest.ts";
import { kmeansNearest as reference } from "../reference/kmeans-nearest.ts";
import { freshRandom, inputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { makeViews } from "../support/views.ts";

describe("kmeans-nearest", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, rows: 1, clusters: 1, first: 0, count: 1 },
    { views: 1, rows: 300, clusters: 7, first: 64, count: 200 },
    { views: 3, rows: 65, clusters: 14, first: 0, count: 65 },
  ])("$count of $rows rows, $clusters clusters, $views views", async ({ views, rows, clusters, first, count }) => {
    const random = freshRandom("kmeans-nearest");
    // Multiples of 1/8: ties are exact.
    const batch = makeViews(views, () =>
      makeViews(count, () => Float64Array.from({ length: clusters }, () => random.integer(-8, 8) / 8)),
    );
    const flat = batch.flatMap((view) => view.flatMap((row) => [...row]));
    const cosines = inputTensor(gpu(), [views, count, clusters], flat);
    // The last of several views is done.
    const flags = makeViews(views, (b) => Number(b > 0 && b === views - 1));
    const done = inputTensor(gpu(), [views], flags, "u32");
    const nearest = inputTensor(gpu(), [views, rows], new Uint32Array(views * rows).fill(99), "u32");
    const own = inputTensor(gpu(), [views, rows], new Float32Array(views * rows).fill(9));
    const record = (recorder: Parameters<typeof kmeansNearest>[0]) =>
      kmeansNearest(recorder, { cosines, done, nearest, own, first });
    const labels = new Array(views * rows).fill(99);
    const values = new Array(views * rows).fill(9);
    for (const [b, view] of batch.entries()) {
      if (flags[b]) continue;
      for (const [r, label] of reference(view).entries()) {
        labels[b * rows + first + r] = label;
        values[b * rows + first + r] = view[r]![label];
      }
    }
    expect([...(await runAndRead(gpu(), nearest, record))]).toEqual(labels);
    expect([...(await readFloats(gpu(), own))]).toEqual(values);
  });

  test("cosines within a millionth count as equal: lowest cluster", async () => {
    const cosines = inputTensor(gpu(), [1, 2, 2], [0.5, 0.5000005, 0.5, 0.500002]);
    const done = inputTensor(gpu(), [1], [0], "u32");
    const nearest = inputTensor(gpu(), [1, 2], [9, 9], "u32");
    const own = inputTensor(gpu(), [1, 2], [9, 9]);
    const labels = await runAndRead(gpu(), nearest, (recorder) =>
      kmeansNearest(recorder, { cosines, done, nearest, own, first: 0 }),
    );
    expect([...labels]).toEqual([0, 1]);
  });
});
