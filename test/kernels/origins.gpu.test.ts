import { describe, expect, test } from "vitest";
import { initialOrigins, origins, originWords, readOrigins } from "../../src/kernels/origins.ts";
import { initialOrigins as initialReference, stageOrigins } from "../reference/origins.ts";
import { topK } from "../reference/top-k.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";

describe("origins", () => {
  const { gpu } = useGpu();

  test.for([
    { patches: 4, stages: [{ tokens: 2, clusters: 1 }] },
    {
      patches: 33,
      stages: [
        { tokens: 20, clusters: 3 },
        { tokens: 9, clusters: 9 },
        { tokens: 1, clusters: 1 },
      ],
    },
    {
      patches: 100,
      stages: [
        { tokens: 70, clusters: 0 },
        { tokens: 30, clusters: 5 },
      ],
    },
  ])("$patches patches through $stages.length stages", async ({ patches, stages }) => {
    const random = freshRandom("origins");
    const stride = originWords(patches);
    let expected = initialReference(patches);
    let x = inputTensor(gpu(), [patches, stride], initialOrigins(patches), "u32");
    let merging = true;
    for (const { tokens, clusters } of stages) {
      const count = expected.length;
      // Few distinct values: ties for the anchor go to the lowest index.
      const scoreValues = Float32Array.from({ length: count }, () => random.integer(0, 3));
      const primary = tokens - clusters;
      const { kept, rest } = topK(scoreValues, primary);
      const labelValues = rest.map((_, r) => (clusters === 0 ? 0 : r % clusters));
      merging &&= clusters > 0;
      expected = stageOrigins(expected, scoreValues, kept, rest, clusters === 0 ? [] : labelValues);
      const order = inputTensor(gpu(), [count], [...kept, ...rest], "u32");
      const scores = inputTensor(gpu(), [count], scoreValues);
      const labels = inputTensor(gpu(), [rest.length], labelValues, "u32");
      const y = outputTensor(gpu(), [tokens, stride], "u32");
      const rows = await runAndRead(gpu(), y, (recorder) =>
        origins(recorder, { x, order, scores, labels, y, primary }),
      );
      const actual = readOrigins(rows as Uint32Array, stride);
      expect(actual.patches.map((set) => [...set])).toEqual(expected.map((origin) => origin.patches));
      expect([...actual.anchors]).toEqual(expected.map(({ position }) => position));
      x = y;
    }
    // Merging keeps every patch once, dropping a part of them.
    const all = expected.flatMap((origin) => origin.patches);
    expect(new Set(all).size).toBe(all.length);
    if (merging) expect(all.length).toBe(patches);
    else expect(all.length).toBeLessThan(patches);
  });
});
