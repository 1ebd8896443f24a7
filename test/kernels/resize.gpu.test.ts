import { describe, test } from "vitest";
import type { Recorder } from "../../src/gpu/pass.ts";
import { resize } from "../../src/kernels/resize.ts";
import { type ResampleFilter, resize as reference, resampleWeights } from "../reference/resize.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { expectSameBytes, packWords, randomPixels, rgbOfWords, toRgb } from "../support/pictures.ts";

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
  ])("%i x %i to %i x %i, both filters, as Pillow", async ([width = 0, height = 0, toWidth = 0, toHeight = 0]) => {
    const picture = randomPixels(freshRandom("resize"), width, height);
    const x = inputTensor(gpu(), [height, width], packWords(picture), "u32");
    for (const filter of ["bilinear", "bicubic"] as const) {
      const columns = table(width, toWidth, filter);
      const rows = table(height, toHeight, filter);
      const middle = outputTensor(gpu(), [height, toWidth], "u32");
      const y = outputTensor(gpu(), [toHeight, toWidth], "u32");
      const words = await runAndRead(gpu(), y, (recorder: Recorder) => {
        resize(recorder, { ...columns, x, y: middle, axis: "columns", origin: 0, colour: 0 });
        resize(recorder, { ...rows, x: middle, y, axis: "rows", origin: 0, colour: 0 });
      });
      const expected = reference(toRgb(picture), toWidth, toHeight, filter);
      expectSameBytes(filter, rgbOfWords(words), expected.data);
      // Opaque, whatever the alpha of the input.
      expectSameBytes(
        "alpha",
        words.map((word) => word >>> 24),
        new Uint8Array(words.length).fill(255),
      );
    }
  });

  test("rows in bands, a wider stride, an origin, and a canvas around the picture", async () => {
    // Two samples behind three that are not held, halved; then padding only.
    const one = 2 ** 22;
    const x = inputTensor(
      gpu(),
      [2, 4],
      [0x102030, 0x304050, 0xffffff, 0xffffff, 0x080808, 0x0a0a0a, 0xffffff, 0xffffff],
      "u32",
    );
    const weights = inputTensor(gpu(), [2, 2], [one / 2, one / 4, 7, 7], "i32");
    const bounds = inputTensor(gpu(), [2, 3], [3, 2, one / 4, 3, 0, one], "i32");
    const y = outputTensor(gpu(), [3, 2], "u32");
    const words = await runAndRead(gpu(), y, (recorder) =>
      resize(recorder, {
        x,
        weights,
        bounds,
        y,
        axis: "columns",
        origin: 3,
        firstRow: 1,
        rowCount: 2,
        colour: 0x6874ff,
      }),
    );
    const expected = [0xffffffff, 0xffffffff, 0xff2e3d6c, 0xff6874ff, 0xff212446, 0xff6874ff];
    expectSameBytes("words", words, expected);
  });
});
