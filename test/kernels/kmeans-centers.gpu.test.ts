import { describe, expect, test } from "vitest";
import { kmeansCenters } from "../../src/kernels/kmeans-centers.ts";
import { kmeansCenters as reference, seedCenters } from "../reference/kmeans-centers.ts";
import { unit } from "../reference/unit-rows.ts";
import { expectNmse } from "../support/compare.ts";
import { checkVariants, freshRandom, inputTensor, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("kmeans-centers", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, rows: 1, width: 1, clusters: 1 },
    { views: 5, rows: 7, width: 63, clusters: 3 },
    { views: 2, rows: 30, width: 130, clusters: 11 },
  ])("$views views of $rows rows of $width, $clusters clusters", async ({ views, rows, width, clusters }) => {
    const random = freshRandom("kmeans-centers");
    const batch = makeViews(views, (view) => ({
      unitRows: Array.from({ length: rows }, () => unit(random.floats(width))),
      labels: Array.from({ length: rows }, (_, r) => (r + view) % clusters),
    }));
    const x = inputTensor(gpu(), [views, rows, width], joinViews(batch.flatMap(({ unitRows }) => unitRows)));
    const labelValues = batch.flatMap((view) => view.labels);
    const labels = inputTensor(gpu(), [views, rows], labelValues, "u32");
    for (const seed of [false, true]) {
      const expected = batch.flatMap((view) =>
        seed ? seedCenters(view.unitRows, clusters) : reference(view.unitRows, view.labels, clusters),
      );
      const done = inputTensor(gpu(), [views], new Array(views).fill(0), "u32");
      await checkVariants(
        gpu(),
        [views, clusters, width],
        (recorder, centers) => kmeansCenters(recorder, { x, labels, done, centers, seed }),
        (centers, variant) => expectNmse(`${variant}, seed ${seed}`, centers, joinViews(expected), NMSE_PRODUCT),
      );
    }
  });

  test("a sum shorter than 1e-6 has no direction, a longer one has", async () => {
    const [short, long] = [2 ** -21, 2 ** -19];
    const x = inputTensor(gpu(), [1, 4, 2], [1, short, -1, 0, 1, long, -1, 0]);
    const labels = inputTensor(gpu(), [1, 4], [0, 0, 1, 1], "u32");
    const done = inputTensor(gpu(), [1], [0], "u32");
    await checkVariants(
      gpu(),
      [1, 2, 2],
      (recorder, centers) => kmeansCenters(recorder, { x, labels, done, centers, seed: false }),
      (centers) => expect([...centers]).toEqual([0, 0, 0, 1]),
    );
  });

  test("opposite rows have no centre, and a view that is done stays as it is", async () => {
    const x = inputTensor(gpu(), [2, 2, 2], [0.6, 0.8, -0.6, -0.8, 1, 0, 1, 0]);
    const labels = inputTensor(gpu(), [2, 2], [0, 0, 0, 0], "u32");
    for (const [done, expected] of [
      [
        [0, 1],
        [0, 0, Number.NaN, Number.NaN],
      ],
      [
        [1, 0],
        [Number.NaN, Number.NaN, 1, 0],
      ],
    ] as const) {
      const flags = inputTensor(gpu(), [2], done, "u32");
      await checkVariants(
        gpu(),
        [2, 1, 2],
        (recorder, centers) => kmeansCenters(recorder, { x, labels, done: flags, centers, seed: false }),
        (centers) => expect([...centers]).toEqual(expected),
      );
    }
  });
});
