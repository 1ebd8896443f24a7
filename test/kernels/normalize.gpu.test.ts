import { describe, test } from "vitest";
import { normalize } from "../../src/kernels/normalize.ts";
import { normalize as reference } from "../reference/normalize.ts";
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
    for (const [mean, std] of [
      [CLIP_MEAN, CLIP_STD],
      [[0.5, 0.4, 0.3] as const, [0.5, 0.25, 2] as const],
    ] as const) {
      const y = outputTensor(gpu(), [3, height, width]);
      const values = await runAndRead(gpu(), y, (recorder) =>
        normalize(recorder, { x, y, rescale: 1 / 255, mean, std }),
      );
      const expected = reference(toRgb(picture).data, mean, std);
      expectClose("planes", values, expected, RELATIVE_ELEMENTWISE, ABSOLUTE_NORMALIZE);
    }
  });
});
