/** The coefficient tables: against the reference's weights, and applied in plain loops against its pictures. */
import { describe, expect, test } from "vitest";
import { chain, crop, pad, type Size, squarePlan, squash } from "../../src/image/geometry.ts";
import { type ResampleTable, resampleTable, rowsFirst, strips } from "../../src/image/resample.ts";
import type { Canvas, PictureSpec } from "../../src/spec/picture-spec.ts";
import { overWhite, type RgbImage, resize as referenceResize, resampleWeights } from "../reference/resize.ts";
import {
  expectSameBytes,
  pillowCases,
  randomPixels,
  referenceSquare,
  testPreprocessing,
  toRgb,
} from "../support/pictures.ts";
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

/** A canvas in plain loops. */
function draw(source: Uint8Array, canvas: Canvas, filter: PictureSpec["filter"]): Uint8Array {
  const { pictureSize: width, size: canvasWidth } = canvas.x;
  const { pictureSize: height, size: canvasHeight } = canvas.y;
  const isRowsFirst = rowsFirst(canvas);
  const byColumns = (from: Uint8Array, lines: number) => {
    const result = new Uint8Array(lines * canvasWidth * 3);
    const at = (stride: number) => (line: number, place: number) => (line * stride + place) * 3;
    apply(from, resampleTable(canvas.x, filter), lines, at(width), at(canvasWidth), result);
    return result;
  };
  const byRows = (from: Uint8Array, lines: number) => {
    const result = new Uint8Array(canvasHeight * lines * 3);
    const at = (line: number, place: number) => (place * lines + line) * 3;
    apply(from, resampleTable(canvas.y, filter), lines, at, at, result);
    return result;
  };
  return isRowsFirst ? byColumns(byRows(source, width), canvasHeight) : byRows(byColumns(source, height), canvasWidth);
}

describe("tables", () => {
  test("without padding or cropping they are the reference's weights", () => {
    const random = freshRandom("resample weights");
    for (let round = 0; round < 60; round++) {
      const size = random.integer(1, 40);
      const pictureSize = random.integer(2, 200);
      if (size === pictureSize) continue;
      const filter = (["bilinear", "bicubic", "lanczos"] as const)[random.integer(0, 2)]!;
      const { x } = squash("picture", { width: pictureSize, height: 2 }, { width: size, height: 2 });
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
    const large = { width: 65535, height: 400 };
    for (const [filter, side] of [
      ["bicubic", 16],
      ["lanczos", 24],
    ] as const) {
      const { x, y } = pad("picture", large, side);
      for (const axis of [x, y]) expectWholeSums(axis, filter);
    }

    function expectWholeSums(axis: Canvas["x"], filter: PictureSpec["filter"]) {
      const { weights, bounds, taps } = resampleTable(axis, filter);
      for (let output = 0; output < axis.size; output++) {
        const sum = weights
          .subarray(output * taps, (output + 1) * taps)
          .reduce((total, weight) => total + weight, bounds[output * 3 + 2]!);
        expect(Math.abs(sum - 2 ** 22) * 255).toBeLessThan(2 ** 21);
      }
    }
  });

  test("a crop reads only what it shows", () => {
    const { x } = crop("picture", { width: 4000, height: 100 }, 10);
    const { first, end } = resampleTable(x, "bicubic");
    expect([first, end]).toEqual([1935, 2065]);
  });

  test("the same size is a copy of one sample each, also padded and cropped", () => {
    const plain = { pictureSize: 5, canvasSize: 5, pictureStart: 0, resizedSize: 5, cropStart: 0, size: 5 };
    const one = 2 ** 22;
    for (const filter of ["bilinear", "bicubic", "lanczos"] as const) {
      const { weights, bounds } = resampleTable(plain, filter);
      expect([...weights]).toEqual([one, one, one, one, one]);
      expect([...bounds]).toEqual([0, 1, 0, 1, 1, 0, 2, 1, 0, 3, 1, 0, 4, 1, 0]);
    }
    const cropped = resampleTable({ ...plain, cropStart: 2, size: 2 }, "lanczos");
    expect([cropped.first, cropped.end, ...cropped.bounds]).toEqual([2, 4, 2, 1, 0, 3, 1, 0]);
    const padded = resampleTable({ ...plain, pictureSize: 2, pictureStart: 2 }, "lanczos");
    // Outputs of padding read nothing.
    expect([...padded.bounds]).toEqual([0, 0, one, 0, 0, one, 0, 1, 0, 1, 1, 0, 0, 0, one]);
  });

  test("strips have all outputs in order, and read as little as they may", () => {
    const random = freshRandom("strips");
    for (let round = 0; round < 60; round++) {
      const size: Size = { width: 2, height: random.integer(2, 300) };
      const side = random.integer(1, 60);
      const { y } = random.integer(0, 1) ? pad("picture", { ...size, width: 200 }, side) : crop("picture", size, side);
      const table = resampleTable(y, "lanczos");
      const most = random.integer(1, 100);
      const mostOutputs = random.integer(0, 1) ? random.integer(1, 20) : Number.POSITIVE_INFINITY;
      const found = strips(table, mostOutputs, most);
      expect([found[0]!.from, found.at(-1)!.to]).toEqual([0, side]);
      for (const [i, { from, to, first, end }] of found.entries()) {
        if (i > 0) expect(from).toBe(found[i - 1]!.to);
        expect(end > first && first >= table.first && end <= table.end).toBe(true);
        const reading = Array.from({ length: to - from }, (_, j) => table.bounds.subarray((from + j) * 3)).filter(
          ([, count]) => count! > 0,
        );
        for (const [start, count] of reading) expect(start! >= first && start! + count! <= end).toBe(true);
        if (end - first > most) expect(reading).toHaveLength(1);
        expect(to - from).toBeLessThanOrEqual(mostOutputs);
      }
      // The next strip's first output would not have fitted into the one before.
      for (const [i, { from, to, first }] of found.slice(0, -1).entries()) {
        if (to - from === mostOutputs) continue;
        const next = found[i + 1]!;
        const [start, count] = table.bounds.subarray(next.from * 3) as unknown as [number, number];
        expect(start + count - first, `strip ${from}`).toBeGreaterThan(most);
      }
    }
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
      const [canvas] = squarePlan(settings, 1, width, height).canvases;
      const square = draw(image.data as Uint8Array, canvas!, settings.filter);
      expectSameBytes(`${width} x ${height} to ${size}, ${mode}`, square, referenceSquare(image, mode, size).data);
    }
  });
});

describe("Pillow's own results", () => {
  test.for(pillowCases().map((one) => [one.name, one] as const))("%s", ([, { filter, picture, sizes, rgb }]) => {
    let bytes = overWhite(picture).data as Uint8Array;
    for (const canvas of chain(picture, sizes)) bytes = draw(bytes, canvas, filter);
    expectSameBytes("tables", bytes, rgb);
    const reference = sizes.reduce<RgbImage>(
      (image, { width, height }) => referenceResize(image, width, height, filter),
      overWhite(picture),
    );
    expectSameBytes("reference", reference.data, rgb);
  });
});
