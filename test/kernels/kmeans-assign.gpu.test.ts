import { describe, expect, test } from "vitest";
import { readTensor } from "../../src/gpu/readback.ts";
import { kmeansAssign } from "../../src/kernels/kmeans-assign.ts";
import { kmeansAssign as reference } from "../reference/kmeans-assign.ts";
import { checkVariants, freshRandom, inputTensor, outputTensor, useGpu } from "../support/gpu.ts";

describe("kmeans-assign", () => {
  const { gpu } = useGpu();

  /** Labels and done flag of one round, by both variants. */
  async function check(cosines: number[][], before: number[], done: number, expected: number[], expectedDone: number) {
    const [rows, clusters] = [cosines.length, cosines[0]!.length];
    const input = inputTensor(gpu(), [rows, clusters], cosines.flat());
    await checkVariants(
      gpu(),
      [1],
      (recorder, own) => {
        const labels = inputTensor(gpu(), [rows], before, "u32");
        const flag = inputTensor(gpu(), [1], [done], "u32");
        const scratch = { counts: outputTensor(gpu(), [clusters], "u32"), next: outputTensor(gpu(), [rows], "u32") };
        const ownRows = rows === 1 ? own : outputTensor(gpu(), [rows]);
        kmeansAssign(recorder, { cosines: input, labels, own: ownRows, ...scratch, done: flag });
        results.push({ labels, flag });
      },
      () => {},
    );
    for (const { labels, flag } of results.splice(0).filter((_, i) => i % 2 === 1)) {
      expect([...(await readTensor(gpu(), labels))]).toEqual(expected);
      expect([...(await readTensor(gpu(), flag))]).toEqual([expectedDone]);
    }
  }
  // Every body is recorded twice: rehearsed for compiling, then run. The second is the one that ran.
  const results: { labels: ReturnType<typeof inputTensor>; flag: ReturnType<typeof inputTensor> }[] = [];

  test.for([
    [1, 1],
    [5, 3],
    [40, 40],
    [300, 7],
    [90, 14],
  ])("%i rows, %i clusters", async ([rows = 0, clusters = 0]) => {
    const random = freshRandom("kmeans-assign");
    // Multiples of 1/8: ties are exact, everything else is far from the tolerance.
    const cosines = Array.from({ length: rows }, () =>
      Array.from({ length: clusters }, () => random.integer(-8, 8) / 8),
    );
    const expected = reference(
      cosines.map((row) => Float64Array.from(row)),
      clusters,
    );
    await check(cosines, new Array(rows).fill(clusters), 0, [...expected], 0);
    await check(cosines, [...expected], 0, [...expected], 1);
  });

  test("cosines within a millionth count as equal: lowest cluster, lowest row", async () => {
    await check(
      [
        [0.5, 0.5000005],
        [0.1, 0.9],
      ],
      [2, 2],
      0,
      [0, 1],
      0,
    );
    await check(
      [
        [0.5, 0.500002],
        [0.9, 0.1],
      ],
      [2, 2],
      0,
      [1, 0],
      0,
    );
    // Cluster 1 is empty; rows 1 and 2 are equally far from their centre.
    await check(
      [
        [0.9, 0],
        [0.4000004, 0],
        [0.4, 0],
      ],
      [2, 2, 2],
      0,
      [0, 1, 0],
      0,
    );
  });

  test("several empty clusters are filled in ascending order, each from clusters of two or more", async () => {
    await check(
      [
        [1, 0, 0],
        [0.8, 0, 0],
        [0.6, 0, 0],
      ],
      [3, 3, 3],
      0,
      [0, 2, 1],
      0,
    );
  });

  test("a round that is already done changes nothing", async () => {
    await check(
      [
        [0, 1],
        [0, 1],
      ],
      [0, 1],
      1,
      [0, 1],
      1,
    );
  });
});
