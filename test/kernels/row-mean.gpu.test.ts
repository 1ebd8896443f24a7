import { describe, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { LOGITS_SPLIT_KEYS } from "../../src/kernels/attention-logits.ts";
import { rowMean } from "../../src/kernels/row-mean.ts";
import { type ImageSpan, viewersBefore } from "../../src/model/inhibition/index-tables.ts";
import { headMeanAttention } from "../reference/head-mean.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { expectHeadMean } from "../support/head-mean.ts";
import { sightTensors } from "../support/index-tables.ts";

interface Case {
  images: ImageSpan[];
  /** Rows of the sequence so far; the last one is looked at. */
  keys: number;
  heads: number;
  literal?: boolean;
}

// As on a GPU, and as on an adapter that is a program.
describe.for([false, true])("row-mean, software: %s", (software) => {
  const { gpu } = useGpu();

  async function check({ images, keys, heads, literal = false }: Case) {
    const { sight, slots, starts } = sightTensors(gpu(), images, keys + 5);
    const viewer = viewersBefore(sight, keys) - 1;
    const splits = Math.ceil(keys / LOGITS_SPLIT_KEYS);
    // Heads of one component behind a query of ones: the logits are the keys.
    const values = freshRandom("row-mean").floats(heads * keys, 5);
    const logitOf = (head: number, key: number) => values[head * keys + key]!;
    const sumOf = (head: number, first: number, end: number) => {
      let sum = 0;
      for (let key = first; key < Math.min(end, keys); key++) sum += Math.exp(logitOf(head, key));
      return Math.log(sum);
    };
    const splitSums = Array.from({ length: splits * heads }, (_, i) => {
      const first = Math.floor(i / heads) * LOGITS_SPLIT_KEYS;
      return sumOf(i % heads, first, first + LOGITS_SPLIT_KEYS);
    });
    const neighbours = outputTensor(gpu(), [1, viewer + 1]);
    const imageAttention = outputTensor(gpu(), [sight.starts.at(-1)!]);
    const args = {
      ...{ slots, starts, neighbours, imageAttention, viewer, firstKey: sight.firstKey, literal },
      logits: inputTensor(gpu(), [heads, keys], values),
      sums: inputTensor(gpu(), [splits, heads], literal ? splitSums.fill(Number.NaN) : splitSums),
    };
    const record = withCapabilities({ software }, (recorder) => rowMean(recorder, args));
    const found = (await runAndRead(gpu(), neighbours, record)) as Float32Array;

    const ones = new Float32Array(heads).fill(1);
    const k = Float32Array.from({ length: keys * heads }, (_, i) => logitOf(i % heads, Math.floor(i / heads)));
    const sums = Array.from(ones, (_, head) => sumOf(head, 0, keys));
    const shape = { heads, keyHeads: heads, headWidth: 1 };
    const mean = headMeanAttention(ones, k, sums, shape, { scale: 1 }, literal ? "logits" : "weights");
    const left = { neighbours: found, imageAttention: await readFloats(gpu(), imageAttention) };
    expectHeadMean({ sight, firstViewer: viewer, viewers: 1, ...left }, (_, key) => mean[key]!);
  }

  const twoImages = [
    { row: 3, tokens: 9 },
    { row: 17, tokens: 30 },
  ];

  // Below, on and off a split of 256 keys.
  test.for<Case>([
    { images: [{ row: 0, tokens: 1 }], keys: 2, heads: 1 },
    { images: twoImages.slice(0, 1), keys: 14, heads: 17 },
    { images: twoImages, keys: 60, heads: 6 },
    { images: twoImages, keys: 256, heads: 40 },
    { images: twoImages, keys: 257, heads: 14 },
    { images: twoImages, keys: 700, heads: 3 },
  ])("%j", check);

  test("the mean of the logits", () => check({ images: twoImages, keys: 70, heads: 6, literal: true }));
});
