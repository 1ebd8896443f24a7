import { describe, test } from "vitest";
import type { Recorder } from "../../src/gpu/pass.ts";
import { resize } from "../../src/kernels/resize.ts";
import { overWhite, type ResampleFilter, resize as reference, resampleWeights } from "../reference/resize.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { expectSameBytes, packWords, randomPixels, rgbOfWords } from "../support/pictures.ts";

describe("resize", () => {
  const { gpu } = useGpu();

  /** The reference's weights as the kernel takes them; `outside` is none. */
  function table(inSize: number, outSize: number, filter: ResampleFilter) {
    const outputs = resampleWeights(inSize, outSize, filter);
    const taps = Math.max(...outputs.map(({ weights }) => weights.length));
    const weights = outputs.flatMap((output) => Array.from({ length: taps }, (_, t) => output.weights[t] ?? 0));
    const bounds = outputs.flatMap((output) => [output.first, output.weights.length, 0]);
    return {
      weights: inputTensor(gpu(), [outSize, taps], weights, "i32"),
      bounds: inputTensor(gpu(), [outSize, 3], bounds, "i32"),
    };
  }

  // Down, up, both at once, the same size, odd sizes, below and above one workgroup's 64 pixels.
  test.for([
    [2, 2, 1, 1],
    [2, 2, 9, 7],
    [5, 5, 5, 5],
    [7, 64, 64, 7],
    [131, 67, 29, 31],
    [90, 3, 8, 8],
    [300, 200, 65, 63],
    [40, 90, 31, 20],
  ])("%i x %i to %i x %i, all filters, as Pillow", async ([width = 0, height = 0, toWidth = 0, toHeight = 0]) => {
    const picture = randomPixels(freshRandom("resize"), width, height);
    const x = inputTensor(gpu(), [height, width], packWords(picture), "u32");
    const isRowsFirst = height - toHeight > Math.max(0, 2 * (width - toWidth));
    for (const filter of ["bilinear", "bicubic", "lanczos"] as const) {
      const columns = { ...table(width, toWidth, filter), axis: "columns", origin: 0, colour: 0 } as const;
      const rows = { ...table(height, toHeight, filter), axis: "rows", origin: 0, colour: 0 } as const;
      const middle = outputTensor(gpu(), isRowsFirst ? [toHeight, width] : [height, toWidth], "u32");
      const y = outputTensor(gpu(), [toHeight, toWidth], "u32");
      const [first, second] = isRowsFirst ? [rows, columns] : [columns, rows];
      const words = await runAndRead(gpu(), y, (recorder: Recorder) => {
        resize(recorder, { ...first, x, y: middle });
        resize(recorder, { ...second, x: middle, y });
      });
      const expected = reference(overWhite(picture), toWidth, toHeight, filter);
      expectSameBytes(filter, rgbOfWords(words), expected.data);
      // Opaque, whatever the alpha of the input.
      expectSameBytes(
        "alpha",
        words.map((word) => word >>> 24),
        new Uint8Array(words.length).fill(255),
      );
    }
  });

  const ONE = 2 ** 22;
  // Of two lines, the first is not used; behind two samples lie two of something else.
  const LINES = [0xff102030, 0xff304050, 0xff080808, 0xff0a0a0a] as const;
  // Two samples behind three that are not held, halved; then padding only.
  const weights = () => inputTensor(gpu(), [3, 2], [0, 0, ONE / 2, ONE / 4, 7, 7], "i32");
  const bounds = () => inputTensor(gpu(), [3, 3], [9, 9, 9, 3, 2, ONE / 4, 3, 0, ONE], "i32");
  const COLOUR = 0x6874ff;
  const [SECOND, THIRD] = [0xff212446, 0xff6874ff];

  test("columns: some rows from a later line, some outputs, a wider stride, an origin, and a canvas around", async () => {
    const [a, b, c, d] = LINES;
    const x = inputTensor(gpu(), [2, 4], [a, b, 0xffffff, 0xffffff, c, d, 0xffffff, 0xffffff], "u32");
    const y = inputTensor(gpu(), [3, 4], new Uint32Array(12).fill(5), "u32");
    const place = { left: 1, top: 1, width: 2, height: 1, line: 1, output: 1 };
    const words = await runAndRead(gpu(), y, (recorder) =>
      resize(recorder, {
        x,
        y,
        weights: weights(),
        bounds: bounds(),
        axis: "columns",
        origin: 3,
        colour: COLOUR,
        ...place,
      }),
    );
    expectSameBytes("words", words, [5, 5, 5, 5, 5, SECOND, THIRD, 5, 5, 5, 5, 5]);
  });

  test("rows: some columns from a later line, some outputs, a wider stride, an origin, and a canvas around", async () => {
    const [a, b, c, d] = LINES;
    const x = inputTensor(gpu(), [3, 3], [a, c, 0xffffff, b, d, 0xffffff, 0xffffff, 0xffffff, 0xffffff], "u32");
    const y = inputTensor(gpu(), [3, 4], new Uint32Array(12).fill(5), "u32");
    const place = { left: 2, top: 1, width: 1, height: 2, line: 1, output: 1 };
    const words = await runAndRead(gpu(), y, (recorder) =>
      resize(recorder, {
        x,
        y,
        weights: weights(),
        bounds: bounds(),
        axis: "rows",
        origin: 3,
        colour: COLOUR,
        ...place,
      }),
    );
    expectSameBytes("words", words, [5, 5, 5, 5, 5, 5, SECOND, 5, 5, 5, THIRD, 5]);
  });
});
