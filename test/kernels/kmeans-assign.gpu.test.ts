import { describe, expect, test } from "vitest";
import { readTensor } from "../../src/gpu/readback.ts";
import { kmeansAssign } from "../../src/kernels/kmeans-assign.ts";
import { kmeansNearest } from "../../src/kernels/kmeans-nearest.ts";
import { kmeansAssign as reference } from "../reference/kmeans-assign.ts";
import {
  freshRandom,
  inputTensor,
  outputTensor,
  runAndRead,
  SUBGROUPS,
  useGpu,
  withCapabilities,
} from "../support/gpu.ts";
import { makeViews } from "../support/views.ts";

describe("kmeans-assign", () => {
  const { gpu } = useGpu();

  /** One view's cosines [R][c] and labels of the round before, and both outcomes. */
  interface View {
    cosines: number[][];
    before: number[];
    done: number;
    expected: number[];
    expectedDone: number;
  }

  /** Labels and done flags of one round of a batch, by both variants. */
  async function check(...views: View[]): Promise<void> {
    const [rows, clusters] = [views[0]!.cosines.length, views[0]!.cosines[0]!.length];
    const batch = views.length;
    const cosines = inputTensor(
      gpu(),
      [batch, rows, clusters],
      views.flatMap((view) => view.cosines.flat()),
    );
    // A round changes its labels, so each variant has tensors of its own.
    for (const subgroups of SUBGROUPS) {
      const before = views.flatMap((view) => view.before);
      const labels = inputTensor(gpu(), [batch, rows], before, "u32");
      const flags = views.map(({ done }) => done);
      const done = inputTensor(gpu(), [batch], flags, "u32");
      const scratch = {
        own: outputTensor(gpu(), [batch, rows]),
        counts: outputTensor(gpu(), [batch, clusters], "u32"),
        next: outputTensor(gpu(), [batch, rows], "u32"),
      };
      const record = withCapabilities({ subgroups }, (recorder) => {
        const { own, next: nearest } = scratch;
        kmeansNearest(recorder, { cosines, done, nearest, own, first: 0 });
        kmeansAssign(recorder, { labels, ...scratch, done });
      });
      expect([...(await runAndRead(gpu(), labels, record))]).toEqual(views.flatMap(({ expected }) => expected));
      expect([...(await readTensor(gpu(), done))]).toEqual(views.map(({ expectedDone }) => expectedDone));
    }
  }

  /** A view of a first round, which changes every label. */
  const firstRound = (cosines: number[][], expected: number[]): View => {
    const before = new Array(cosines.length).fill(cosines[0]!.length);
    return { cosines, before, done: 0, expected, expectedDone: 0 };
  };

  test.for([
    [1, 1, 1],
    [5, 5, 3],
    [2, 40, 40],
    [1, 300, 7],
    [2, 90, 14],
  ])("%i views of %i rows, %i clusters", async ([views = 0, rows = 0, clusters = 0]) => {
    const random = freshRandom("kmeans-assign");
    const batch = makeViews(views, () => {
      // Multiples of 1/8: ties are exact, everything else is far from the tolerance.
      const cosines = makeViews(rows, () => makeViews(clusters, () => random.integer(-8, 8) / 8));
      const labels = [
        ...reference(
          cosines.map((row) => Float64Array.from(row)),
          clusters,
        ),
      ];
      return firstRound(cosines, labels);
    });
    await check(...batch);
    const settled = batch.map((view) => ({ ...view, before: view.expected, expectedDone: 1 }));
    await check(...settled);
    // Views end by themselves.
    await check(...batch.map((view, b) => (b % 2 === 0 ? view : settled[b]!)));
  });

  test("cosines within a millionth count as equal: lowest cluster, lowest row", async () => {
    await check(
      firstRound(
        [
          [0.5, 0.5000005],
          [0.1, 0.9],
        ],
        [0, 1],
      ),
      firstRound(
        [
          [0.5, 0.500002],
          [0.9, 0.1],
        ],
        [1, 0],
      ),
    );
    // Cluster 1 is empty; rows 1 and 2 are equally far from their centre.
    await check(
      firstRound(
        [0.9, 0.4000004, 0.4].map((cosine) => [cosine, 0]),
        [0, 1, 0],
      ),
    );
  });

  test("several empty clusters are filled in ascending order, each from clusters of two or more", async () => {
    await check(
      firstRound(
        [1, 0.8, 0.6].map((cosine) => [cosine, 0, 0]),
        [0, 2, 1],
      ),
    );
  });

  test("a round that is already done changes nothing", async () => {
    const cosines = [
      [0, 1],
      [0, 1],
    ];
    await check({ cosines, before: [0, 1], done: 1, expected: [0, 1], expectedDone: 1 });
  });
});
