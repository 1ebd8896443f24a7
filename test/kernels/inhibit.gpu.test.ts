import { describe, expect, test } from "vitest";
import { inhibit } from "../../src/kernels/inhibit.ts";
import { type ImageSpan, viewersBefore } from "../../src/model/inhibition/index-tables.ts";
import { ceilRank } from "../../src/model/inhibition/plan.ts";
import { inhibit as reference } from "../reference/inhibit.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { imageRows, sightTensors } from "../support/index-tables.ts";

interface Case {
  images: ImageSpan[];
  rows: number;
  /** First row of the chunk. */
  chunkRow: number;
}

// As on a GPU, and as on an adapter that is a program.
describe.for([false, true])("inhibit, software: %s", (software) => {
  const { gpu } = useGpu();

  /** Runs the kernel on random focus scores and compares every bit of every row of the chunk with the reference. */
  async function check({ images, rows, chunkRow }: Case, ratio: number, perImage: boolean, score: () => number) {
    const { sight, ...tables } = sightTensors(gpu(), images, rows);
    const columns = sight.columnRows.length;
    const firstViewer = viewersBefore(sight, chunkRow);
    const viewers = sight.viewerRows.length - firstViewer;
    const scores = Float32Array.from({ length: viewers * columns }, score);
    const counts = [...sight.ends].map((end, i) => (perImage ? images[i]!.tokens : end));
    // Ranks of another layer around those that count.
    const other = counts.map(() => 1);
    const ranks = [...other, ...counts.map((count) => ceilRank(ratio, count)), ...other];
    const words = Math.ceil(rows / 32);
    const inhibited = outputTensor(gpu(), [rows - chunkRow, words], "u32");
    const args = {
      focus: inputTensor(gpu(), [viewers, columns], scores),
      ranks: inputTensor(gpu(), [3, images.length], ranks, "u32"),
      ...{ ...tables, inhibited, layer: 1, firstViewer, chunkRow, perImage },
    };
    const bits = await runAndRead(
      gpu(),
      inhibited,
      withCapabilities({ software }, (recorder) => inhibit(recorder, args)),
    );

    const textRows = [...sight.viewerRows.subarray(firstViewer)];
    const expected = reference(scores, textRows, imageRows(images), ratio, perImage ? "image" : "row");
    const expectedBits = new Uint32Array(bits.length);
    expected.inhibited.forEach((bit, i) => {
      const row = textRows[Math.floor(i / columns)]! - chunkRow;
      const key = sight.columnRows[i % columns]!;
      expectedBits[row * words + (key >> 5)]! |= bit << (key & 31);
    });
    expect(bits).toEqual(expectedBits);
    return expected.inhibited.reduce((sum, bit) => sum + bit, 0);
  }

  const oneImage: Case = { images: [{ row: 3, tokens: 30 }], rows: 38, chunkRow: 0 };
  const twoImages: Case = {
    images: [
      { row: 3, tokens: 20 },
      { row: 26, tokens: 30 },
    ],
    rows: 60,
    chunkRow: 0,
  };

  test.for([0, 0.2, 0.5, 0.6, 0.999, 1])("ratio %d, over all images and image by image", async (ratio) => {
    const random = freshRandom("inhibit");
    for (const shape of [oneImage, twoImages, { ...twoImages, chunkRow: 25 }, { ...twoImages, chunkRow: 59 }])
      for (const perImage of [false, true]) await check(shape, ratio, perImage, () => random.uniform());
  });

  test("ties, zeros of both signs, negative and tiny scores", async () => {
    const random = freshRandom("ties");
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
        const gone = await check(twoImages, ratio, ratio === 1, () => values[random.integer(0, values.length - 1)]!);
        if (values.length === 1) expect(gone).toBe(0);
      }
  });

  test("one image token is never inhibited", async () => {
    const random = freshRandom("one token");
    const shape = { images: [{ row: 1, tokens: 1 }], rows: 5, chunkRow: 0 };
    expect(await check(shape, 1, false, () => random.uniform())).toBe(0);
  });

  test("more columns than invocations, and words of the mask that two images share", async () => {
    const random = freshRandom("many columns");
    const images = [
      { row: 0, tokens: 600 },
      { row: 601, tokens: 577 },
    ];
    for (const perImage of [false, true])
      await check({ images, rows: 1200, chunkRow: 1195 }, 0.6, perImage, () => random.normal());
  });

  test("a chunk that ends inside an image: rows in front of it are done, the image's are left alone", async () => {
    const random = freshRandom("inside");
    const images = [
      { row: 0, tokens: 5 },
      { row: 8, tokens: 6 },
    ];
    await check({ images, rows: 14, chunkRow: 4 }, 0.5, false, () => random.uniform());
  });
});
