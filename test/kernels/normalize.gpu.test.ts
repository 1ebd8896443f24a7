import { describe, test } from "vitest";
import { normalize } from "../../src/kernels/normalize.ts";
import { normalize as reference } from "../reference/normalize.ts";
import { cut } from "../reference/resize.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { CLIP_MEAN, CLIP_STD, packWords, randomPixels, toRgb } from "../support/pictures.ts";
import { ABSOLUTE_NORMALIZE, RELATIVE_ELEMENTWISE } from "../support/tolerances.ts";

describe("normalize", () => {
  const { gpu } = useGpu();

  test.for([
    [1, 1],
    [7, 9],
    [8, 8],
    [13, 5],
    [112, 112],
  ])("%i x %i", async ([height = 0, width = 0]) => {
    const picture = randomPixels(freshRandom("normalize"), width, height);
    const x = inputTensor(gpu(), [height, width], packWords(picture), "u32");
    const places = inputTensor(gpu(), [1, 3], [0, 0, 0], "u32");
    for (const [mean, std] of [
      [CLIP_MEAN, CLIP_STD],
      [[0.5, 0.4, 0.3] as const, [0.5, 0.25, 2] as const],
    ] as const) {
      const y = outputTensor(gpu(), [1, 3, height, width]);
      const values = await runAndRead(gpu(), y, (recorder) =>
        normalize(recorder, { x, places, y, rescale: 1 / 255, mean, std }),
      );
      const expected = reference(toRgb(picture).data, mean, std);
      expectClose("planes", values, expected, RELATIVE_ELEMENTWISE, ABSOLUTE_NORMALIZE);
    }
  });

  // Tiles, overlaps, a view that is not square, views in another order than their places.
  test.for([
    [40, 30, 10, 10, [0, 0, 0, 10, 0, 1, 20, 0, 2, 30, 0, 3, 0, 10, 4, 10, 10, 5]],
    [31, 17, 9, 13, [22, 4, 1, 3, 2, 0]],
    [64, 9, 64, 1, [0, 8, 2, 0, 0, 1, 0, 3, 0]],
  ] as const)("rectangles of %i x %i to views of %i x %i", async ([stride, rows, width, height, places]) => {
    const image = randomPixels(freshRandom("rectangles"), stride, rows);
    const views = places.length / 3;
    const y = outputTensor(gpu(), [views, 3, height, width]);
    const values = await runAndRead(gpu(), y, (recorder) =>
      normalize(recorder, {
        x: inputTensor(gpu(), [rows, stride], packWords(image), "u32"),
        places: inputTensor(gpu(), [views, 3], places, "u32"),
        y,
        rescale: 1 / 255,
        mean: CLIP_MEAN,
        std: CLIP_STD,
      }),
    );
    const size = 3 * height * width;
    for (let i = 0; i < views; i++) {
      const [left = 0, top = 0, view = 0] = places.slice(i * 3, i * 3 + 3);
      const expected = reference(cut(toRgb(image), left, top, width, height).data, CLIP_MEAN, CLIP_STD);
      const found = values.slice(view * size, (view + 1) * size);
      expectClose(`view ${view}`, found, expected, RELATIVE_ELEMENTWISE, ABSOLUTE_NORMALIZE);
    }
  });

  test("views that no rectangle becomes are left alone", async () => {
    const picture = randomPixels(freshRandom("other views"), 4, 4);
    const y = inputTensor(gpu(), [3, 3, 4, 4], new Float32Array(144).fill(7));
    const values = await runAndRead(gpu(), y, (recorder) =>
      normalize(recorder, {
        x: inputTensor(gpu(), [4, 4], packWords(picture), "u32"),
        places: inputTensor(gpu(), [1, 3], [0, 0, 1], "u32"),
        ...{ y, rescale: 1 / 255, mean: CLIP_MEAN, std: CLIP_STD },
      }),
    );
    const expected = [
      ...new Float64Array(48).fill(7),
      ...reference(toRgb(picture).data, CLIP_MEAN, CLIP_STD),
      ...new Float64Array(48).fill(7),
    ];
    expectClose("views", values, expected, RELATIVE_ELEMENTWISE, ABSOLUTE_NORMALIZE);
  });
});
