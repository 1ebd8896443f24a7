/** The resampling reference against numbers that Pillow 9.4 gave, and the geometry of the three modes. */
import { describe, expect, test } from "vitest";
import { cropToSquare, padToSquare, type ResampleFilter, resampleWeights, resize, squashToSquare } from "./resize.ts";

/** A grey picture, one number a pixel. */
function grey(width: number, height: number, values: number[]) {
  return { width, height, data: Uint8Array.from(values.flatMap((value) => [value, value, value])) };
}

describe("weights", () => {
  test("doubling, bilinear: a quarter of the farther neighbour, cut and normalised at the borders", () => {
    const one = 2 ** 22;
    expect(resampleWeights(2, 4, "bilinear")).toEqual([
      { first: 0, weights: [one] },
      { first: 0, weights: [(one * 3) / 4, one / 4] },
      { first: 0, weights: [one / 4, (one * 3) / 4] },
      { first: 1, weights: [one] },
    ]);
  });

  test("doubling, bicubic: a = -0.5, negative weights rounded like positive ones", () => {
    const weights = [-0.0234375, 0.2265625, 0.8671875, -0.0703125].map((weight) => weight * 2 ** 22);
    expect(resampleWeights(5, 10, "bicubic")[4]).toEqual({ first: 0, weights });
  });

  test("the same size is the identity", () => {
    for (const filter of ["bilinear", "bicubic"] as const) {
      for (const [i, { first, weights }] of resampleWeights(5, 5, filter).entries()) {
        expect(weights.map((weight, k) => [first + k, weight]).filter(([, weight]) => weight !== 0)).toEqual([
          [i, 2 ** 22],
        ]);
      }
    }
  });
});

describe("resize", () => {
  test.for<[ResampleFilter, number[], number[]]>([
    ["bilinear", [0, 255], [0, 64, 191, 255]],
    ["bilinear", [0, 100, 200, 255], [71, 209]],
    ["bicubic", [0, 255], [0, 53, 202, 255]],
    ["bicubic", [0, 255, 0, 255], [107, 148]],
    ["bicubic", [0, 0, 255], [0, 0, 255]],
  ])("a row, %s: %j -> %j", ([filter, before, after]) => {
    expect(resize(grey(before.length, 1, before), after.length, 1, filter)).toEqual(grey(after.length, 1, after));
    expect(resize(grey(1, before.length, before), 1, after.length, filter)).toEqual(grey(1, after.length, after));
  });

  // Rounding and clipping between the passes shows: 3 x 2 to 2 x 3 with values at both ends.
  const image = {
    width: 3,
    height: 2,
    data: Uint8Array.of(121, 255, 242, 33, 255, 132, 0, 240, 255, 0, 77, 199, 7, 0, 255, 255, 242, 198),
  };
  test.for<[ResampleFilter, number[]]>([
    ["bicubic", [98, 255, 198, 0, 251, 207, 46, 148, 210, 89, 200, 214, 0, 26, 222, 180, 148, 221]],
    ["bilinear", [88, 255, 201, 12, 246, 209, 46, 152, 211, 87, 199, 214, 3, 48, 220, 162, 151, 219]],
  ])("both passes, %s", ([filter, expected]) => expect([...resize(image, 2, 3, filter).data]).toEqual(expected));
});

describe("modes", () => {
  const wide = grey(3, 2, [10, 20, 30, 40, 50, 60]);

  test("pad centres on CLIP's mean, the odd row below", () => {
    const { data } = padToSquare(wide, 3);
    const red = [...data].filter((_, i) => i % 3 === 0);
    expect(red).toEqual([10, 20, 30, 40, 50, 60, 122, 122, 122]);
    expect([...data.slice(-3)]).toEqual([122, 116, 104]);
  });

  test("crop takes the middle, the odd column to the right", () => {
    expect(cropToSquare(wide, 2)).toEqual(grey(2, 2, [10, 20, 40, 50]));
    expect(cropToSquare(grey(4, 1, [1, 2, 3, 4]), 1)).toEqual(grey(1, 1, [2]));
  });

  test("crop rounds the long edge down", () => {
    // 2 x 3 at shortest edge 3: 4.5 rows become 4; the middle three of them start at row 0.
    const tall = grey(2, 3, [0, 0, 100, 100, 200, 200]);
    const resized = resize(tall, 3, 4, "bicubic");
    expect([...cropToSquare(tall, 3).data]).toEqual([...resized.data.slice(0, 27)]);
  });

  test("squash ignores the aspect ratio", () => {
    expect(squashToSquare(wide, 2, "bilinear")).toEqual(resize(wide, 2, 2, "bilinear"));
  });
});
