import { describe, test } from "vitest";
import { merge } from "../../src/kernels/merge.ts";
import { merge as reference } from "../reference/merge.ts";
import { topK } from "../reference/top-k.ts";
import { expectNmse } from "../support/compare.ts";
import { checkVariants, freshRandom, inputTensor, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("merge", () => {
  const { gpu } = useGpu();

  test.for([
    { tokens: 2, width: 1, first: 0, primary: 1, clusters: 1, importance: 1 },
    { tokens: 30, width: 64, first: 1, primary: 12, clusters: 5, importance: 1 },
    { tokens: 30, width: 63, first: 0, primary: 12, clusters: 18, importance: 1 },
    { tokens: 9, width: 130, first: 1, primary: 0, clusters: 1, importance: 1 },
    { tokens: 9, width: 5, first: 1, primary: 3, clusters: 0, importance: 1 },
    // Weights whose sum is no basis for a quotient: the plain mean.
    { tokens: 20, width: 5, first: 0, primary: 8, clusters: 4, importance: 1e-20 },
  ])("$tokens tokens of $width to $primary + $clusters, importance about $importance", async (shape) => {
    const { tokens, width, first, primary, clusters, importance } = shape;
    const random = freshRandom("merge");
    const values = random.floats((first + tokens) * width);
    const scoreValues = Float32Array.from({ length: tokens }, () => random.uniform() * importance);
    const { kept, rest } = topK(scoreValues, primary);
    const labelValues = rest.map((_, r) => (clusters === 0 ? 0 : r % clusters));
    const row = (index: number) => values.subarray((first + index) * width, (first + index + 1) * width);
    const rows = (indices: number[]) => indices.flatMap((index) => [...row(index)]);

    const x = inputTensor(gpu(), [first + tokens, width], values);
    const order = inputTensor(gpu(), [tokens], [...kept, ...rest], "u32");
    const scores = inputTensor(gpu(), [tokens], scoreValues);
    const labels = inputTensor(gpu(), [rest.length], labelValues, "u32");
    for (const normalized of [true, false]) {
      const mode = normalized ? "normalized" : "raw";
      const weights = rest.map((i) => scoreValues[i]!);
      const merged = reference(rows(rest), weights, labelValues, clusters, width, mode);
      const head = [...values.subarray(0, first * width), ...rows(kept)];
      await checkVariants(
        gpu(),
        [first + primary + clusters, width],
        (recorder, y) => merge(recorder, { x, order, scores, labels, y, first, primary, normalized }),
        (y, variant) => {
          expectNmse(`${variant}, kept`, y.subarray(0, head.length), head, 0);
          expectNmse(`${variant}, ${mode}`, y.subarray(head.length), merged, NMSE_PRODUCT);
        },
      );
    }
  });
});
