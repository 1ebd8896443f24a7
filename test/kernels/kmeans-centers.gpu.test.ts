import { describe, expect, test } from "vitest";
import { kmeansCenters } from "../../src/kernels/kmeans-centers.ts";
import { kmeansCenters as reference, seedCenters } from "../reference/kmeans-centers.ts";
import { unit } from "../reference/unit-rows.ts";
import { expectNmse } from "../support/compare.ts";
import { checkVariants, freshRandom, inputTensor, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("kmeans-centers", () => {
  const { gpu } = useGpu();

  test.for([
    { rows: 1, width: 1, clusters: 1 },
    { rows: 7, width: 63, clusters: 3 },
    { rows: 30, width: 130, clusters: 11 },
  ])("$rows rows of $width, $clusters clusters", async ({ rows, width, clusters }) => {
    const random = freshRandom("kmeans-centers");
    const unitRows = Array.from({ length: rows }, () => unit(random.floats(width)));
    const labelValues = unitRows.map((_, r) => r % clusters);
    const x = inputTensor(
      gpu(),
      [rows, width],
      unitRows.flatMap((row) => [...row]),
    );
    const labels = inputTensor(gpu(), [rows], labelValues, "u32");
    const flat = (centers: Float64Array[]) => Float64Array.from(centers.flatMap((center) => [...center]));
    for (const seed of [false, true]) {
      const expected = flat(seed ? seedCenters(unitRows, clusters) : reference(unitRows, labelValues, clusters));
      const done = inputTensor(gpu(), [1], [0], "u32");
      await checkVariants(
        gpu(),
        [clusters, width],
        (recorder, centers) => kmeansCenters(recorder, { x, labels, done, centers, seed }),
        (centers, variant) => expectNmse(`${variant}, seed ${seed}`, centers, expected, NMSE_PRODUCT),
      );
    }
  });

  test("a sum shorter than 1e-6 has no direction, a longer one has", async () => {
    const [short, long] = [2 ** -21, 2 ** -19];
    const x = inputTensor(gpu(), [4, 2], [1, short, -1, 0, 1, long, -1, 0]);
    const labels = inputTensor(gpu(), [4], [0, 0, 1, 1], "u32");
    const done = inputTensor(gpu(), [1], [0], "u32");
    await checkVariants(
      gpu(),
      [2, 2],
      (recorder, centers) => kmeansCenters(recorder, { x, labels, done, centers, seed: false }),
      (centers) => expect([...centers]).toEqual([0, 0, 0, 1]),
    );
  });

  test("opposite rows have no centre, and nothing happens once done", async () => {
    const x = inputTensor(gpu(), [2, 2], [0.6, 0.8, -0.6, -0.8]);
    const labels = inputTensor(gpu(), [2], [0, 0], "u32");
    for (const [done, expected] of [
      [0, [0, 0]],
      [1, [Number.NaN, Number.NaN]],
    ] as const) {
      const flag = inputTensor(gpu(), [1], [done], "u32");
      await checkVariants(
        gpu(),
        [1, 2],
        (recorder, centers) => kmeansCenters(recorder, { x, labels, done: flag, centers, seed: false }),
        (centers) => expect([...centers]).toEqual(expected),
      );
    }
  });
});
