import { describe, expect, test } from "vitest";
import { focusScores } from "../../src/kernels/focus.ts";
import { type ImageSpan, viewersBefore } from "../../src/model/inhibition/index-tables.ts";
import { focusScores as reference } from "../reference/focus.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { imageRows, sightTensors } from "../support/index-tables.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

interface Case {
  /** The first at row 0. */
  images: ImageSpan[];
  rows: number;
  /** First row of the chunk. */
  chunkRow: number;
}

// As on a GPU, and as on an adapter that is a program.
describe.for([false, true])("focus, software: %s", (software) => {
  const { gpu } = useGpu();

  /** Random attention, f of which is 0 where a row does not see a key, as [T, T] and as the kernel takes it. */
  function attentionOf({ images, rows, chunkRow }: Case, value: () => number) {
    const { sight, starts } = sightTensors(gpu(), images, rows);
    const A = Float32Array.from({ length: rows * rows }, (_, i) => (i % rows <= Math.floor(i / rows) ? value() : 0));
    const viewerRows = [...sight.viewerRows];
    const firstViewer = viewersBefore(sight, chunkRow);
    const viewers = viewerRows.length - firstViewer;
    const packed = viewerRows.flatMap((row, j) =>
      Array.from({ length: sight.starts[j + 1]! - sight.starts[j]! }, (_, c) => A[row * rows + sight.columnRows[c]!]!),
    );
    // From the viewer itself on nothing may be read.
    const neighbours = viewerRows
      .slice(firstViewer)
      .flatMap((row, j) => viewerRows.map((h, i) => (i < firstViewer + j ? A[row * rows + h]! : Number.NaN)));
    return {
      args: {
        starts,
        firstViewer,
        imageAttention: inputTensor(gpu(), [packed.length], packed),
        focus: outputTensor(gpu(), [viewers, sight.columnRows.length]),
      },
      neighbours: inputTensor(gpu(), [viewers, viewerRows.length], neighbours),
      expected: (...score: [Parameters<typeof reference>[3]?, number?]) =>
        reference(A, viewerRows, imageRows(images).flat(), ...score).slice(firstViewer * sight.columnRows.length),
    };
  }

  const powersOf = (discount: number, count: number) =>
    inputTensor(
      gpu(),
      [count],
      Array.from({ length: count }, (_, i) => discount ** i),
    );

  const twoImages = [
    { row: 0, tokens: 9 },
    { row: 14, tokens: 30 },
  ];

  test.for<Case>([
    { images: [{ row: 0, tokens: 1 }], rows: 2, chunkRow: 0 },
    { images: [{ row: 0, tokens: 33 }], rows: 45, chunkRow: 0 },
    { images: twoImages, rows: 60, chunkRow: 0 },
    { images: twoImages, rows: 60, chunkRow: 11 },
    { images: twoImages, rows: 90, chunkRow: 50 },
    { images: twoImages, rows: 90, chunkRow: 89 },
    { images: twoImages.slice(0, 1), rows: 13, chunkRow: 12 },
  ])("the four scores: %j", async (shape) => {
    const random = freshRandom("focus");
    const { args, neighbours, expected } = attentionOf(shape, () => random.uniform());
    const run = async (weights: { neighbours: typeof neighbours } | { powers: typeof neighbours }) =>
      (await runAndRead(
        gpu(),
        args.focus,
        withCapabilities({ software }, (recorder) => focusScores(recorder, { ...args, ...weights })),
      )) as Float32Array;

    expectNmse("focus", await run({ neighbours }), expected("focus"), NMSE_PRODUCT);
    const count = neighbours.shape[1]!;
    expectNmse("sum", await run({ powers: powersOf(1, count) }), expected("sum"), NMSE_PRODUCT);
    expectNmse("alone", await run({ powers: powersOf(0, count) }), expected("text-to-image"), NMSE_PRODUCT);
    const discounted = await run({ powers: powersOf(0.9, count) });
    expectNmse("discounted", discounted, expected("discounted-sum", 0.9), NMSE_PRODUCT);
  });

  test("the first viewer's focus is its attention, bit for bit; an identity between viewers adds nothing", async () => {
    const random = freshRandom("focus of the first");
    const shape = { images: [{ row: 0, tokens: 20 }], rows: 26, chunkRow: 0 };
    const { args, neighbours, expected } = attentionOf(shape, () => random.uniform());
    const first = await runAndRead(
      gpu(),
      args.focus,
      withCapabilities({ software }, (recorder) => focusScores(recorder, { ...args, neighbours })),
    );
    const alone = expected("text-to-image");
    expect([...first.slice(0, 20)]).toEqual([...alone.slice(0, 20)]);
    const identity = inputTensor(
      gpu(),
      [6, 6],
      Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0)),
    );
    const same = await runAndRead(
      gpu(),
      args.focus,
      withCapabilities({ software }, (recorder) => focusScores(recorder, { ...args, neighbours: identity })),
    );
    expect([...same]).toEqual([...alone]);
  });

  test("sums are in f32: a thousand small terms beside a large one are not lost", async () => {
    const shape = { images: [{ row: 0, tokens: 2 }], rows: 1003, chunkRow: 1002 };
    const { args, expected } = attentionOf(shape, () => 2 ** -12 + 2 ** -22);
    const powers = powersOf(1, 1001);
    const found = await runAndRead(
      gpu(),
      args.focus,
      withCapabilities({ software }, (recorder) => focusScores(recorder, { ...args, powers })),
    );
    expectNmse("sum", found as Float32Array, expected("sum"), 1e-12);
  });
});
