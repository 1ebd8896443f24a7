/** The coefficient tables: against the reference's weights, and applied in plain loops against its pictures. */
import { describe, expect, test } from "vitest";
import { planResize } from "../../src/image/geometry.ts";
import { type ResampleTable, resampleTable } from "../../src/image/resample.ts";
import { resampleWeights } from "../reference/resize.ts";
import { expectSameBytes, randomPixels, referenceSquare, testPreprocessing, toRgb } from "../support/pictures.ts";
import { freshRandom } from "../support/random.ts";

const COLOUR = [122, 116, 104];

/** One axis of a resize as the shader does it. `at(line, sample)` is the index of a pixel's first channel. */
function apply(
  source: Uint8Array,
  table: ResampleTable,
  lines: number,
  at: (line: number, sample: number) => number,
  to: (line: number, output: number) => number,
  target: Uint8Array,
): void {
  const outputs = table.bounds.length / 3;
  for (let line = 0; line < lines; line++) {
    for (let output = 0; output < outputs; output++) {
      const [first, count, outside] = table.bounds.subarray(output * 3, output * 3 + 3) as unknown as number[];
      if (first! < table.first || first! + count! > table.end)
        expect.fail(`output ${output} reads outside the table's range`);
      for (let channel = 0; channel < 3; channel++) {
        let sum = outside! * COLOUR[channel]! + 2 ** 21;
        for (let t = 0; t < count!; t++) {
          sum += table.weights[output * table.taps + t]! * source[at(line, first! + t) + channel]!;
        }
        target[to(line, output) + channel] = Math.min(255, Math.max(0, Math.floor(sum / 2 ** 22)));
      }
    }
  }
}

describe("tables", () => {
  test("without padding or cropping they are the reference's weights", () => {
    const random = freshRandom("resample weights");
    for (let round = 0; round < 60; round++) {
      const size = random.integer(1, 40);
      const pictureSize = random.integer(2, 200);
      const filter = random.integer(0, 1) ? "bicubic" : "bilinear";
      const { x } = planResize({ mode: "squash", size }, pictureSize, pictureSize);
      const table = resampleTable(x, filter);
      for (const [output, { first, weights }] of resampleWeights(pictureSize, size, filter).entries()) {
        const what = `${pictureSize} to ${size}, ${filter}, output ${output}`;
        expect([...table.bounds.subarray(output * 3, output * 3 + 3)], what).toEqual([first, weights.length, 0]);
        // Minus zero is zero.
        const start = output * table.taps;
        expect([...table.weights.subarray(start, start + weights.length)], what).toEqual(weights.map((w) => w + 0));
      }
    }
  });

  test("no rounding of weights can change the colour of the padding, at the largest pictures that are read", () => {
    const { x, y } = planResize({ mode: "pad", size: 16 }, 65535, 400);
    for (const axis of [x, y]) {
      const { weights, bounds, taps } = resampleTable(axis, "bicubic");
      for (let output = 0; output < axis.size; output++) {
        const sum = weights
          .subarray(output * taps, (output + 1) * taps)
          .reduce((total, weight) => total + weight, bounds[output * 3 + 2]!);
        expect(Math.abs(sum - 2 ** 22) * 255).toBeLessThan(2 ** 21);
      }
    }
  });

  test("a crop reads only what it shows", () => {
    const { x } = planResize({ mode: "crop", size: 10 }, 4000, 100);
    const { first, end } = resampleTable(x, "bicubic");
    expect([first, end]).toEqual([1935, 2065]);
  });
});

describe("pictures", () => {
  test.for(["pad", "crop", "squash"] as const)("%s, random sizes, as the reference makes them", (mode) => {
    const random = freshRandom(`resample ${mode}`);
    for (let round = 0; round < 25; round++) {
      const size = random.integer(2, 40);
      const width = random.integer(2, 90);
      const height = random.integer(2, 90);
      const image = toRgb(randomPixels(random, width, height));
      const settings = testPreprocessing(mode, size);
      const plan = planResize(settings, width, height);
      const middle = new Uint8Array(height * size * 3);
      apply(
        image.data as Uint8Array,
        resampleTable(plan.x, settings.filter),
        height,
        (line, sample) => (line * width + sample) * 3,
        (line, output) => (line * size + output) * 3,
        middle,
      );
      const square = new Uint8Array(size * size * 3);
      apply(
        middle,
        resampleTable(plan.y, settings.filter),
        size,
        (line, sample) => (sample * size + line) * 3,
        (line, output) => (output * size + line) * 3,
        square,
      );
      expectSameBytes(`${width} x ${height} to ${size}, ${mode}`, square, referenceSquare(image, mode, size).data);
    }
  });
});
