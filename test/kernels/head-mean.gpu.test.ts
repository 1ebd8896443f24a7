import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { headMean } from "../../src/kernels/head-mean.ts";
import { type ImageSpan, viewersBefore } from "../../src/model/sight.ts";
import { headMeanAttention } from "../reference/head-mean.ts";
import { attentionCase } from "../support/attention-case.ts";
import { expectNmse } from "../support/compare.ts";
import { inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { sightTensors } from "../support/sight.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

interface Case {
  images: ImageSpan[];
  /** Rows of the sequence so far, the chunk included. */
  keys: number;
  /** First row of the chunk. */
  chunkRow: number;
  heads: number;
  keyHeads: number;
  headWidth: number;
  literal?: boolean;
}

// As on a GPU, and as on an adapter that is a program.
describe.for([false, true])("head-mean, software: %s", (software) => {
  const { gpu } = useGpu();

  async function check({ images, keys, chunkRow, heads, keyHeads, headWidth, literal = false }: Case) {
    const rows = keys - chunkRow;
    const shape = { rows, keys, heads, keyHeads, headWidth, queryOffset: chunkRow };
    const { args, values, expected } = attentionCase(gpu(), shape);
    const { sight, ...tables } = sightTensors(gpu(), images, keys + 5);
    const firstViewer = viewersBefore(sight, chunkRow);
    const viewers = viewersBefore(sight, keys) - firstViewer;
    const sumRow = chunkRow + ((sight.viewerRows[firstViewer]! - chunkRow) >> 1);
    const sums = expected.logSumExp.slice((sumRow - chunkRow) * heads);
    const logSumExp = inputTensor(gpu(), [keys - sumRow, heads], literal ? sums.fill(Number.NaN) : sums);
    const neighbours = outputTensor(gpu(), [viewers, firstViewer + viewers]);
    const imageAttention = outputTensor(gpu(), [sight.starts.at(-1)!]);
    const { q, k } = args;
    const found = await runAndRead(
      gpu(),
      neighbours,
      withCapabilities({ software }, (recorder) =>
        headMean(recorder, {
          ...{ q, k, logSumExp, ...tables, neighbours, imageAttention, viewers, firstViewer, chunkRow, sumRow },
          ...{ firstKey: sight.firstKey, rows, keys, heads, keyHeads, headWidth, scale: args.scale, literal },
        }),
      ),
    );
    const packed = await readFloats(gpu(), imageAttention);

    const options = { causal: true, queryOffset: chunkRow };
    const kind = literal ? "logits" : "weights";
    const mean = headMeanAttention(values.q, values.k, expected.logSumExp, shape, options, kind);
    const total = firstViewer + viewers;
    const pairs: { found: number; expected: number }[] = [];
    for (let j = 0; j < viewers; j++) {
      const viewer = firstViewer + j;
      const expectedOf = (key: number) => mean[(sight.viewerRows[viewer]! - chunkRow) * keys + key]!;
      for (let h = 0; h < total; h++) {
        const value = found[j * total + h]!;
        if (h < viewer) pairs.push({ found: value, expected: expectedOf(sight.viewerRows[h]!) });
        else expect(value, `viewer ${viewer} to ${h}`).toBeNaN();
      }
      for (let at = sight.starts[viewer]!; at < sight.starts[viewer + 1]!; at++) {
        const row = sight.columnRows[at - sight.starts[viewer]!]!;
        pairs.push({ found: packed[at]!, expected: expectedOf(row) });
      }
    }
    expectNmse(
      "head mean",
      pairs.map((pair) => pair.found),
      pairs.map((pair) => pair.expected),
      NMSE_PRODUCT,
    );
    // Neither earlier viewers' places nor later ones' are touched.
    const others = [...packed.subarray(0, sight.starts[firstViewer]), ...packed.subarray(sight.starts[total])];
    expect(others.every(Number.isNaN)).toBe(true);
  }

  const twoImages = [
    { row: 3, tokens: 9 },
    { row: 17, tokens: 30 },
  ];

  test.for<Case>([
    { images: [{ row: 0, tokens: 1 }], keys: 2, chunkRow: 0, heads: 1, keyHeads: 1, headWidth: 2 },
    { images: [{ row: 2, tokens: 40 }], keys: 60, chunkRow: 0, heads: 6, keyHeads: 2, headWidth: 16 },
    { images: twoImages, keys: 70, chunkRow: 0, heads: 4, keyHeads: 1, headWidth: 6 },
    { images: twoImages, keys: 70, chunkRow: 13, heads: 5, keyHeads: 5, headWidth: 64 },
    { images: twoImages, keys: 70, chunkRow: 50, heads: 14, keyHeads: 2, headWidth: 64 },
    { images: [{ row: 5, tokens: 7 }], keys: 150, chunkRow: 14, heads: 3, keyHeads: 3, headWidth: 10 },
  ])("a chunk of many rows: %j", check);

  test.for<Case>([
    { images: [{ row: 0, tokens: 1 }], keys: 2, chunkRow: 1, heads: 1, keyHeads: 1, headWidth: 2 },
    { images: twoImages, keys: 60, chunkRow: 59, heads: 6, keyHeads: 2, headWidth: 16 },
    { images: twoImages.slice(0, 1), keys: 14, chunkRow: 13, heads: 17, keyHeads: 1, headWidth: 6 },
    { images: twoImages, keys: 200, chunkRow: 199, heads: 40, keyHeads: 8, headWidth: 128 },
  ])("one row: %j", check);

  test.for([0, 69])("the mean of the logits, from row %i", (chunkRow) =>
    check({ images: twoImages, keys: 70, chunkRow, heads: 6, keyHeads: 2, headWidth: 16, literal: true }),
  );
});
