import { describe, expect, test } from "vitest";
import { importance } from "../../src/kernels/importance.ts";
import { attention } from "../reference/attention.ts";
import { importance as reference } from "../reference/importance.ts";
import { expectNmse } from "../support/compare.ts";
import { checkVariants, freshRandom, inputTensor, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("importance", () => {
  const { gpu } = useGpu();

  test.for([
    { tokens: 1, heads: 1, headWidth: 1, classToken: true },
    { tokens: 64, heads: 4, headWidth: 16, classToken: true },
    { tokens: 50, heads: 3, headWidth: 9, classToken: false },
    { tokens: 65, heads: 16, headWidth: 8, classToken: false },
    { tokens: 65, heads: 70, headWidth: 2, classToken: true },
  ])("$tokens tokens, $heads heads of $headWidth, class token $classToken", async (shape) => {
    const { tokens, heads, headWidth, classToken } = shape;
    const random = freshRandom("importance");
    const rows = tokens + (classToken ? 1 : 0);
    const width = heads * headWidth;
    // Packed as the encoder packs them, q then k then v.
    const qkv = random.floats(rows * 3 * width);
    const part = (index: number) =>
      Float64Array.from(
        { length: rows * width },
        (_, i) => qkv[Math.floor(i / width) * 3 * width + index * width + (i % width)]!,
      );
    const [q, k] = [part(0), part(1)];
    const attentionShape = { heads, keyHeads: heads, headWidth };
    const { logSumExp } = attention(q, k, part(2), attentionShape);
    const expected = reference(q, k, logSumExp, attentionShape, classToken);
    const tensor = inputTensor(gpu(), [rows, 3 * width], qkv);
    const logSumExpTensor = inputTensor(gpu(), [rows, heads], logSumExp);
    await checkVariants(
      gpu(),
      [tokens],
      (recorder, scores) =>
        importance(recorder, {
          q: { tensor, stride: 3 * width, offset: 0 },
          k: { tensor, stride: 3 * width, offset: width },
          logSumExp: logSumExpTensor,
          scores,
          classToken,
          heads,
          headWidth,
          scale: 1 / Math.sqrt(headWidth),
        }),
      (scores, variant) => {
        expectNmse(variant, scores, expected, NMSE_PRODUCT);
        // The class token's own column is left out, so the rest of its row sums to less than 1; received attention to 1.
        const sum = scores.reduce((a, b) => a + b, 0);
        if (classToken) expect(sum).toBeLessThan(1);
        else expect(sum).toBeCloseTo(1, 5);
      },
    );
  });
});
