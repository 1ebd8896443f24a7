import { describe, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { LOGITS_SPLIT_KEYS } from "../../src/kernels/attention-logits.ts";
import { EMPTY_LOG_SUM_EXP } from "../../src/kernels/heads.ts";
import { rowMean } from "../../src/kernels/row-mean.ts";
import { headMeanAttention } from "../reference/head-mean.ts";
import { causal, prefixLm, slidingWindow } from "../reference/visible.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { expectHeadMean } from "../support/head-mean.ts";
import { indexTensors } from "../support/index-tables.ts";
import type { MaskedSequence } from "../support/masked-sequences.ts";

interface Case extends Pick<MaskedSequence, "images" | "mask"> {
  name: string;
  /** Rows of the sequence so far; the last one is looked at. */
  keys: number;
  heads: number;
  literal?: boolean;
}

// As on a GPU, and as on an adapter that is a program.
describe.for([false, true])("row-mean, software: %s", (software) => {
  const { gpu } = useGpu();

  async function check({ name, images, mask, keys, heads, literal = false }: Case) {
    const sequence = { name, images, mask, keys, chunkRow: keys - 1 };
    const { columns, tables, chunk, slots, textRows } = indexTensors(gpu(), sequence);
    const { firstTextRow: textRow, firstKey } = chunk;
    const visible = mask(keys).slice(-2) as [number, number];
    const [start, end] = visible;
    const splits = Math.ceil(keys / LOGITS_SPLIT_KEYS);
    // Heads of one component behind a query of ones: the logits are the keys.
    const values = freshRandom("row-mean").floats(heads * keys, 5);
    const logitOf = (head: number, key: number) => values[head * keys + key]!;
    const sumOf = (head: number, first: number) => {
      let sum = 0;
      for (let key = Math.max(first, start); key < Math.min(first + LOGITS_SPLIT_KEYS, end); key++)
        sum += Math.exp(logitOf(head, key));
      return sum;
    };
    const splitSums = Array.from({ length: splits * heads }, (_, i) => {
      const sum = sumOf(i % heads, Math.floor(i / heads) * LOGITS_SPLIT_KEYS);
      return sum > 0 ? Math.log(sum) : EMPTY_LOG_SUM_EXP;
    });
    const neighbours = outputTensor(gpu(), [1, textRow + 1]);
    const imageAttention = outputTensor(gpu(), [tables.listLength]);
    const args = {
      ...{ slots, textRows, neighbours, imageAttention, textRow, firstKey, literal },
      logits: inputTensor(gpu(), [heads, keys], values),
      sums: inputTensor(gpu(), [splits, heads], literal ? splitSums.map(() => Number.NaN) : splitSums),
    };
    const record = withCapabilities({ software }, (recorder) => rowMean(recorder, args));
    const found = (await runAndRead(gpu(), neighbours, record)) as Float32Array;

    const ones = new Float32Array(heads).fill(1);
    const k = Float32Array.from({ length: keys * heads }, (_, i) => logitOf(i % heads, Math.floor(i / heads)));
    const sums = Array.from(ones, (_, head) =>
      Math.log(Array.from({ length: splits }, (_, i) => sumOf(head, i * LOGITS_SPLIT_KEYS)).reduce((a, b) => a + b)),
    );
    const shape = { heads, keyHeads: heads, headWidth: 1 };
    const mean = headMeanAttention(ones, k, sums, shape, { scale: 1, visible }, literal ? "logits" : "weights");
    expectHeadMean(
      { columns, tables, chunk, neighbours: found, imageAttention: await readFloats(gpu(), imageAttention) },
      (_, key) => mean[key]!,
    );
  }

  const twoImages = [[{ row: 3, tokens: 9 }], [{ row: 17, tokens: 30 }]];
  const views = [[...twoImages[0]!, ...twoImages[1]!], [{ row: 400, tokens: 60 }]];
  const window = (width: number) => (rows: number) => slidingWindow(rows, width);

  // Below, on and off a split of 256 keys.
  test.for<Case>([
    { name: "the first text row", images: [[{ row: 0, tokens: 1 }]], mask: causal, keys: 2, heads: 1 },
    { name: "one image", images: twoImages.slice(0, 1), mask: causal, keys: 14, heads: 17 },
    { name: "two images", images: twoImages, mask: causal, keys: 60, heads: 6 },
    { name: "a whole split", images: twoImages, mask: causal, keys: 256, heads: 40 },
    { name: "a split and a key", images: twoImages, mask: causal, keys: 257, heads: 14 },
    { name: "three splits", images: twoImages, mask: causal, keys: 700, heads: 3 },
    { name: "views of two pictures", images: views, mask: causal, keys: 500, heads: 5 },
    { name: "a window over a part of an image", images: twoImages, mask: window(20), keys: 60, heads: 6 },
    { name: "a window without the first split", images: views, mask: window(300), keys: 700, heads: 3 },
    { name: "after a prefix", images: twoImages, mask: (rows) => prefixLm(rows, 50), keys: 61, heads: 6 },
  ])("$name: $keys keys, $heads heads", check);

  test("the mean of the logits", async () => {
    const shape = { images: twoImages, keys: 70, heads: 6, literal: true };
    await check({ name: "causal", mask: causal, ...shape });
    await check({ name: "window", mask: window(40), ...shape });
  });
});
