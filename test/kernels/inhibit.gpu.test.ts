import { describe, expect, test } from "vitest";
import { inhibit } from "../../src/kernels/inhibit.ts";
import { ceilRank } from "../../src/model/inhibition/plan.ts";
import { inhibit as reference } from "../reference/inhibit.ts";
import { causal, slidingWindow } from "../reference/visible.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { indexTensors } from "../support/index-tables.ts";
import {
  imageRows,
  MASKED_SEQUENCES,
  type MaskedSequence,
  ONE_ROW_SEQUENCES,
  randomMaskedSequence,
  rowsOf,
} from "../support/masked-sequences.ts";

// As on a GPU, and as on an adapter that is a program.
describe.for([false, true])("inhibit, software: %s", (software) => {
  const { gpu } = useGpu();

  /** Runs the kernel on random focus scores and compares every bit of every row of the chunk with the reference. */
  async function check(sequence: MaskedSequence, ratio: number, perImage: boolean, score: () => number) {
    const { images, mask, keys, chunkRow } = sequence;
    const { columns, tables, chunk, ...tensors } = indexTensors(gpu(), sequence);
    const { firstTextRow, count } = chunk;
    const n = columns.columnRows.length;
    const scores = Float32Array.from({ length: count * n }, score);
    // Ranks of another layer around those that count.
    const other = new Array<number>(n + 1).fill(1);
    const ranks = [...other, 0, ...other.slice(1).map((_, i) => ceilRank(ratio, i + 1)), ...other];
    const words = Math.ceil(keys / 32);
    const inhibited = outputTensor(gpu(), [keys - chunkRow, words], "u32");
    const args = {
      focus: inputTensor(gpu(), [count, n], scores),
      ranks: inputTensor(gpu(), [3, n + 1], ranks, "u32"),
      ...{ ...tensors, inhibited, layer: 1, firstTextRow, chunkRow, perImage },
    };
    const bits = await runAndRead(
      gpu(),
      inhibited,
      withCapabilities({ software }, (recorder) => inhibit(recorder, args)),
    );

    const textRows = tables.textRows.slice(firstTextRow, firstTextRow + count).map(({ row }) => row);
    const visible = mask(rowsOf(sequence));
    const expected = reference(scores, textRows, imageRows(images), visible, ratio, perImage ? "image" : "row");
    const expectedBits = new Uint32Array(bits.length);
    expected.inhibited.forEach((bit, i) => {
      if (bit === 0) return;
      const row = textRows[Math.floor(i / n)]! - chunkRow;
      const key = columns.columnRows[i % n]!;
      expectedBits[row * words + (key >> 5)]! |= 1 << (key & 31);
    });
    expect(bits).toEqual(expectedBits);
    return expected.inhibited.reduce((sum, bit) => sum + bit, 0);
  }

  test.for([0, 0.2, 0.5, 0.6, 0.999, 1])("ratio %d, over all images and image by image", async (ratio) => {
    const random = freshRandom("inhibit");
    for (const sequence of [...MASKED_SEQUENCES, ...ONE_ROW_SEQUENCES])
      for (const perImage of [false, true]) await check(sequence, ratio, perImage, () => random.uniform());
  });

  test("random sequences and masks", async () => {
    const random = freshRandom("sequences");
    for (let round = 0; round < 12; round++)
      for (const perImage of [false, true])
        await check(randomMaskedSequence(random), random.uniform(), perImage, () => random.normal());
  });

  test("ties, zeros of both signs, negative and tiny scores", async () => {
    const random = freshRandom("ties");
    const sequence = MASKED_SEQUENCES.find(({ name }) => name === "causal, two images")!;
    const sets = [
      [0, -0, 0.25, 0.5],
      [0.125],
      [0],
      [-1, -0.5, 0, 3],
      [1, 1 + 2 ** -23, 1 + 2 ** -22, 1 - 2 ** -24],
      [2 ** -149, 2 ** -140, 0, -(2 ** -149), 2 ** -126],
    ];
    for (const values of sets)
      for (const ratio of [0.5, 1]) {
        const gone = await check(sequence, ratio, ratio === 1, () => values[random.integer(0, values.length - 1)]!);
        if (values.length === 1) expect(gone).toBe(0);
      }
  });

  test("a row that sees one image token does not inhibit it", async () => {
    const random = freshRandom("one token");
    const one = { name: "one", images: [[{ row: 1, tokens: 1 }]], mask: causal, keys: 5, chunkRow: 0 };
    expect(await check(one, 1, false, () => random.uniform())).toBe(0);
    const mask = (rows: number) => slidingWindow(rows, 3);
    const last = { name: "last", images: [[{ row: 1, tokens: 6 }]], mask, keys: 9, chunkRow: 8 };
    expect(await check(last, 1, false, () => random.uniform())).toBe(0);
  });

  test("more columns than invocations, and words of the mask that two images share", async () => {
    const random = freshRandom("many columns");
    const images = [[{ row: 0, tokens: 600 }], [{ row: 601, tokens: 577 }]];
    for (const mask of [causal, (rows: number) => slidingWindow(rows, 700)])
      for (const perImage of [false, true]) {
        const sequence = { name: "many", images, mask, keys: 1200, chunkRow: 1195 };
        expect(await check(sequence, 0.6, perImage, () => random.normal())).toBeGreaterThan(500);
      }
  });
});
