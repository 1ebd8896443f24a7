import { describe, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { headMean } from "../../src/kernels/head-mean.ts";
import { type ImageSpan, viewersBefore } from "../../src/model/inhibition/index-tables.ts";
import { headMeanAttention } from "../reference/head-mean.ts";
import { causal } from "../reference/visible.ts";
import { attentionCase } from "../support/attention-case.ts";
import { inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { expectHeadMean } from "../support/head-mean.ts";
import { sightTensors } from "../support/index-tables.ts";

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

describe("head-mean", () => {
  const { gpu } = useGpu();

  async function check({ images, keys, chunkRow, heads, keyHeads, headWidth, literal = false }: Case) {
    const rows = keys - chunkRow;
    const shape = { rows, keys, heads, keyHeads, headWidth, visible: causal(rows, chunkRow) };
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
    const found = await runAndRead(gpu(), neighbours, (recorder) =>
      headMean(recorder, {
        ...{ q, k, logSumExp, ...tables, neighbours, imageAttention, viewers, firstViewer, chunkRow, sumRow },
        ...{ firstKey: sight.firstKey, rows, keys, heads, keyHeads, headWidth, scale: args.scale, literal },
      }),
    );
    const packed = await readFloats(gpu(), imageAttention);

    const kind = literal ? "logits" : "weights";
    const mean = headMeanAttention(values.q, values.k, expected.logSumExp, shape, shape, kind);
    expectHeadMean(
      { sight, firstViewer, viewers, neighbours: found, imageAttention: packed },
      (row, key) => mean[(row - chunkRow) * keys + key]!,
    );
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

  test("a chunk of two rows, one of them a viewer", () =>
    check({ images: [{ row: 0, tokens: 40 }], keys: 41, chunkRow: 39, heads: 6, keyHeads: 2, headWidth: 16 }));

  test("the mean of the logits", () =>
    check({ images: twoImages, keys: 70, chunkRow: 0, heads: 6, keyHeads: 2, headWidth: 16, literal: true }));
});
