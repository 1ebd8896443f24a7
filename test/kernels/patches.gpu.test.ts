import { describe, expect, test } from "vitest";
import { patches } from "../../src/kernels/patches.ts";
import { patches as reference } from "../reference/patches.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("patches", () => {
  const { gpu } = useGpu();

  // 31 / 7 leaves a rest that no patch covers, as SigLIP's 384 / 14 does. Then wide, tall, and cells of every side.
  test.for([
    { views: 1, height: 1, width: 1, patch: 1, cell: 1 },
    { views: 1, height: 42, width: 42, patch: 14, cell: 1 },
    { views: 1, height: 224, width: 224, patch: 16, cell: 1 },
    { views: 2, height: 31, width: 31, patch: 7, cell: 1 },
    { views: 1, height: 8, width: 20, patch: 2, cell: 2 },
    { views: 5, height: 37, width: 26, patch: 4, cell: 3 },
    { views: 2, height: 28, width: 56, patch: 7, cell: 4 },
    { views: 1, height: 224, width: 224, patch: 16, cell: 2, channelsLast: true },
    { views: 3, height: 30, width: 11, patch: 5, cell: 2, channelsLast: true },
    { views: 1, height: 56, width: 84, patch: 14, cell: 2, frames: 2 },
    { views: 2, height: 20, width: 30, patch: 5, cell: 2, frames: 3 },
  ])(
    "$views views of $height x $width, patches of $patch, cells of $cell, channels last: $channelsLast, frames: $frames",
    async ({ views, ...shape }) => {
      const { height, width, patch, cell, channelsLast, frames = 1 } = shape;
      const length = 3 * frames * patch * patch;
      const random = freshRandom("patches");
      const values = makeViews(views, () => random.floats(3 * height * width));
      const expected = joinViews(values.map((view) => reference(view, shape)));
      const pixels = inputTensor(gpu(), [views, 3, height, width], joinViews(values));
      const y = outputTensor(gpu(), [expected.length / length, length]);
      const args = { pixels, y, patchSize: patch, cell, channelsLast, frames };
      const actual = await runAndRead(gpu(), y, (recorder) => patches(recorder, args));
      expect(actual).toEqual(Float32Array.from(expected));
    },
  );

  test("refuses a grid that is no multiple of the cell", () => {
    const pixels = inputTensor(gpu(), [1, 3, 4, 6], new Float32Array(72));
    const y = outputTensor(gpu(), [6, 12]);
    const record = () => gpu().submit("test", (pass) => patches(pass, { pixels, y, patchSize: 2, cell: 2 }));
    expect(record).toThrow("2 x 3 patches in cells of side 2");
  });
});
