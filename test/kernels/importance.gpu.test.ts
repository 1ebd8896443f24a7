import { describe, expect, test } from "vitest";
import { importance } from "../../src/kernels/importance.ts";
import { attention } from "../reference/attention.ts";
import { importance as reference } from "../reference/importance.ts";
import { expectNmse } from "../support/compare.ts";
import {
  DEVICE_KINDS,
  freshRandom,
  inputTensor,
  outputTensor,
  runAndRead,
  useGpu,
  withCapabilities,
} from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("importance", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, cells: 1, seats: 1, heads: 1, headWidth: 1, classToken: true },
    { views: 1, cells: 64, seats: 1, heads: 4, headWidth: 16, classToken: true },
    { views: 2, cells: 50, seats: 1, heads: 3, headWidth: 9, classToken: false },
    { views: 1, cells: 65, seats: 1, heads: 16, headWidth: 8, classToken: false },
    { views: 1, cells: 65, seats: 1, heads: 70, headWidth: 2, classToken: true },
    { views: 2, cells: 19, seats: 1, heads: 2, headWidth: 64, classToken: false },
    { views: 5, cells: 6, seats: 4, heads: 2, headWidth: 8, classToken: true },
    { views: 2, cells: 7, seats: 9, heads: 3, headWidth: 5, classToken: false },
    { views: 1, cells: 4, seats: 16, heads: 2, headWidth: 4, classToken: false },
    { views: 2, cells: 3, seats: 16, heads: 2, headWidth: 4, classToken: true },
    { views: 2, cells: 3, seats: 36, heads: 2, headWidth: 4, classToken: false },
    // A view of 48 x 48 patches.
    { views: 1, cells: 2304, seats: 1, heads: 1, headWidth: 8, classToken: false },
  ])("$views views of $cells cells of $seats, $heads heads of $headWidth, class token $classToken", async (shape) => {
    const { views, cells, seats, heads, headWidth, classToken } = shape;
    const random = freshRandom("importance");
    const rows = cells * seats + (classToken ? 1 : 0);
    const width = heads * headWidth;
    const attentionShape = { heads, keyHeads: heads, headWidth };
    const batch = makeViews(views, () => {
      // Packed as the encoder packs them, q then k then v.
      const qkv = random.floats(rows * 3 * width);
      const part = (index: number) =>
        Float64Array.from(
          { length: rows * width },
          (_, i) => qkv[Math.floor(i / width) * 3 * width + index * width + (i % width)]!,
        );
      const [q, k] = [part(0), part(1)];
      const { logSumExp } = attention(q, k, part(2), attentionShape);
      return { qkv, logSumExp, expected: reference(q, k, logSumExp, attentionShape, classToken, seats) };
    });
    const tensor = inputTensor(gpu(), [views * rows, 3 * width], joinViews(batch.map(({ qkv }) => qkv)));
    const logSumExp = inputTensor(gpu(), [views * rows, heads], joinViews(batch.map((view) => view.logSumExp)));
    for (const kind of DEVICE_KINDS) {
      const output = outputTensor(gpu(), [views, cells]);
      const record = withCapabilities(kind, (recorder) =>
        importance(recorder, {
          q: { tensor, stride: 3 * width, offset: 0 },
          k: { tensor, stride: 3 * width, offset: width },
          logSumExp,
          scores: output,
          classToken,
          seats,
          heads,
          headWidth,
          scale: 1 / Math.sqrt(headWidth),
        }),
      );
      const scores = (await runAndRead(gpu(), output, record)) as Float32Array;
      expectNmse(JSON.stringify(kind), scores, joinViews(batch.map(({ expected }) => expected)), NMSE_PRODUCT);
      for (let view = 0; view < views; view++) {
        // A class token's own column is left out, so the rest of its row sums to less than 1; received attention to 1.
        const sum = scores.subarray(view * cells, (view + 1) * cells).reduce((a, b) => a + b, 0);
        if (classToken) expect(sum).toBeLessThan(1);
        else expect(sum).toBeCloseTo(1, 5);
      }
    }
  });
});
