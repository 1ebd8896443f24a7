import { describe, expect, test } from "vitest";
import { initialOwners, owners } from "../../src/kernels/owners.ts";
import { originsAfter, wholeOrigins } from "../../src/model/compression/origins.ts";
import { initialOrigins, stageOrigins } from "../reference/owners.ts";
import { topK } from "../reference/top-k.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("owners", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, cells: 4, stages: [{ left: 2, clusters: 1 }] },
    {
      views: 2,
      cells: 33,
      stages: [
        { left: 20, clusters: 3 },
        { left: 9, clusters: 9 },
        { left: 1, clusters: 1 },
      ],
    },
    {
      views: 5,
      cells: 100,
      stages: [
        { left: 70, clusters: 0 },
        { left: 30, clusters: 5 },
      ],
    },
  ])("$views views of $cells cells through $stages.length stages", async ({ views, cells, stages }) => {
    const random = freshRandom("owners");
    let expected = makeViews(views, () => initialOrigins(cells));
    let origins = makeViews(views, () => wholeOrigins(cells));
    let x = inputTensor(gpu(), [views, cells], initialOwners(cells, views), "u32");
    let merging = true;
    for (const { left, clusters } of stages) {
      const count = expected[0]!.length;
      const primary = left - clusters;
      merging &&= clusters > 0;
      const batch = expected.map((entered, b) => {
        // Few distinct values: ties for the owner go to the lowest index.
        const scores = Float32Array.from({ length: count }, () => random.integer(0, 3));
        const { kept, rest } = topK(scores, primary);
        const labels = rest.map((_, r) => (clusters === 0 ? 0 : (r + b) % clusters));
        const leaves = stageOrigins(entered, scores, kept, rest, clusters === 0 ? [] : labels);
        const choice = { primary: kept, redundant: rest, labels: clusters === 0 ? [] : labels };
        return { scores, order: [...kept, ...rest], labels, leaves, choice };
      });
      expected = batch.map(({ leaves }) => leaves);
      const order = inputTensor(gpu(), [views, count], joinViews(batch.map((view) => view.order)), "u32");
      const scores = inputTensor(gpu(), [views, count], joinViews(batch.map((view) => view.scores)));
      const labelValues = joinViews(batch.map((view) => view.labels));
      const labels = inputTensor(gpu(), [views, count - primary], labelValues, "u32");
      const y = outputTensor(gpu(), [views, left], "u32");
      const actual = await runAndRead(gpu(), y, (recorder) =>
        owners(recorder, { x, order, scores, labels, y, primary }),
      );
      expect([...actual]).toEqual(expected.flat().map(({ owner }) => owner));
      origins = origins.map((entered, b) => originsAfter(entered, batch[b]!.choice));
      expect(origins.flat().map((set) => [...set])).toEqual(expected.flat().map((origin) => origin.cells));
      x = y;
    }
    for (const view of expected) {
      // Merging keeps every cell once, dropping a part of them.
      const all = view.flatMap((origin) => origin.cells);
      expect(new Set(all).size).toBe(all.length);
      if (merging) expect(all.length).toBe(cells);
      else expect(all.length).toBeLessThan(cells);
    }
  });
});
