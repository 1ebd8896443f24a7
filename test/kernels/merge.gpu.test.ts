import { describe, test } from "vitest";
import { merge } from "../../src/kernels/merge.ts";
import { merge as reference } from "../reference/merge.ts";
import { topK } from "../reference/top-k.ts";
import { expectNmse } from "../support/compare.ts";
import { checkVariants, freshRandom, inputTensor, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("merge", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, cells: 2, seats: 1, inner: 1, first: 0, primary: 1, clusters: 1, importance: 1 },
    { views: 1, cells: 30, seats: 1, inner: 64, first: 1, primary: 12, clusters: 5, importance: 1 },
    { views: 2, cells: 30, seats: 1, inner: 63, first: 0, primary: 12, clusters: 18, importance: 1 },
    { views: 5, cells: 9, seats: 4, inner: 130, first: 1, primary: 0, clusters: 1, importance: 1 },
    { views: 2, cells: 9, seats: 9, inner: 5, first: 1, primary: 3, clusters: 0, importance: 1 },
    { views: 1, cells: 12, seats: 16, inner: 8, first: 0, primary: 4, clusters: 3, importance: 1 },
    // Weights whose sum is no basis for a quotient: the plain mean.
    { views: 2, cells: 20, seats: 4, inner: 5, first: 0, primary: 8, clusters: 4, importance: 1e-20 },
  ])(
    "$views x $cells cells of $seats x $inner to $primary + $clusters, importance about $importance",
    async (shape) => {
      const { views, cells, seats, inner, first, primary, clusters, importance } = shape;
      const random = freshRandom("merge");
      const width = seats * inner;
      const batch = makeViews(views, (b) => {
        const before = random.floats(first * inner);
        const values = random.floats(cells * width);
        const scores = Float32Array.from({ length: cells }, () => random.uniform() * importance);
        const { kept, rest } = topK(scores, primary);
        const labels = rest.map((_, r) => (clusters === 0 ? 0 : (r + b) % clusters));
        const rows = (indices: number[]) => indices.flatMap((i) => [...values.subarray(i * width, (i + 1) * width)]);
        const weights = rest.map((i) => scores[i]!);
        const unchanged = joinViews([before, rows(kept)]);
        const mergeAs = (mode: "normalized" | "raw") => reference(rows(rest), weights, labels, clusters, width, mode);
        return { x: joinViews([before, values]), order: [...kept, ...rest], scores, labels, kept: unchanged, mergeAs };
      });
      const x = inputTensor(gpu(), [views * (first + cells * seats), inner], joinViews(batch.map((view) => view.x)));
      const order = inputTensor(gpu(), [views, cells], joinViews(batch.map((view) => view.order)), "u32");
      const scores = inputTensor(gpu(), [views, cells], joinViews(batch.map((view) => view.scores)));
      const labelValues = joinViews(batch.map((view) => view.labels));
      const labels = inputTensor(gpu(), [views, cells - primary], labelValues, "u32");
      const viewRows = first + (primary + clusters) * seats;
      for (const normalized of [true, false]) {
        await checkVariants(
          gpu(),
          [views * viewRows, inner],
          (recorder, y) => merge(recorder, { x, order, scores, labels, y, first, seats, primary, normalized }),
          (y, variant) => {
            for (const [b, { kept, mergeAs }] of batch.entries()) {
              const actual = y.subarray(b * viewRows * inner, (b + 1) * viewRows * inner);
              const merged = mergeAs(normalized ? "normalized" : "raw");
              expectNmse(`${variant}, kept`, actual.subarray(0, kept.length), kept, 0);
              expectNmse(`${variant}, normalized ${normalized}`, actual.subarray(kept.length), merged, NMSE_PRODUCT);
            }
          },
        );
      }
    },
  );
});
