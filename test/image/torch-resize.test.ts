/** Coefficient tables of torchvision's resize, applied in plain loops: torch's bytes, one for one. torch/make.py made them. */
import { describe, expect, test } from "vitest";
import { squash } from "../../src/image/geometry.ts";
import { type ResampleTable, resampleTable } from "../../src/image/resample.ts";
import cases from "./torch/torch.json" with { type: "json" };

type Pair = [number, number];

/** Resizes each of `lines` lines of `length` grey values. */
function resizeLines(source: Uint8Array, length: number, { bounds, weights, taps }: ResampleTable): Uint8Array {
  const outputs = bounds.length / 3;
  const lines = source.length / length;
  const resized = new Uint8Array(lines * outputs);
  for (let line = 0; line < lines; line++)
    for (let output = 0; output < outputs; output++) {
      let sum = 2 ** 21;
      for (let t = 0; t < bounds[output * 3 + 1]!; t++)
        sum += weights[output * taps + t]! * source[line * length + bounds[output * 3]! + t]!;
      resized[line * outputs + output] = Math.min(255, Math.floor(sum / 2 ** 22));
    }
  return resized;
}

function transpose(source: Uint8Array, width: number): Uint8Array {
  const height = source.length / width;
  return source.map((_, i) => source[(i % height) * width + Math.floor(i / height)]!);
}

function resize(pixels: Uint8Array, [width, height]: Pair, [toWidth, toHeight]: Pair, likeTorch: boolean): Uint8Array {
  const { x, y } = squash("picture", { width, height }, { width: toWidth, height: toHeight });
  const middle = resizeLines(pixels, width, resampleTable(x, "bilinear", likeTorch));
  const columns = resizeLines(transpose(middle, toWidth), height, resampleTable(y, "bilinear", likeTorch));
  return transpose(columns, toHeight);
}

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16));

describe("torch's bytes", () => {
  test.for(cases)("$from to $to", ({ from, to, pixels, resized }) => {
    const actual = resize(bytes(pixels), from as Pair, to as Pair, true);
    expect(actual).toEqual(bytes(resized));
  });

  test("are not Pillow's", () => {
    const different = cases.filter(({ from, to, pixels, resized }) => {
      const actual = resize(bytes(pixels), from as Pair, to as Pair, false);
      return actual.some((value, i) => value !== bytes(resized)[i]);
    });
    expect(different.length).toBeGreaterThan(0);
  });
});
