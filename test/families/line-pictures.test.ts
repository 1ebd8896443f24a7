/** Pictures in lines: sizes as transformers computes them, budgets, and the order of rows that are left under compression. */
import { describe, expect, it } from "vitest";
import { lineOrder, planLines } from "../../src/families/parts/line-pictures.ts";
import type { PictureBudget } from "../../src/shared/picture.ts";

const SMALL3 = { patch: 14, cell: 2, maxWidth: 1540, maxHeight: 1540 };

function sizeOf(width: number, height: number, budget: PictureBudget = {}, rule = SMALL3): [number, number] {
  const { canvases, views } = planLines(rule, { width, height }, budget);
  const [view] = views;
  expect(canvases).toHaveLength(1);
  expect(view!.grid).toEqual({ rows: view!.height / rule.patch, cols: view!.width / rule.patch });
  return [view!.width, view!.height];
}

describe("sizes", () => {
  // By get_resize_output_image_size of transformers 5.24.
  it.each<[number, number, number, number, number[]]>([
    [1540, 28, 1000, 100, [1008, 112]],
    [1540, 28, 100, 1000, [112, 1008]],
    [1540, 28, 1540, 1540, [1540, 1540]],
    [1540, 28, 1541, 1540, [1540, 1540]],
    [1540, 28, 4032, 3024, [1540, 1176]],
    [1540, 28, 3024, 4032, [1176, 1540]],
    [1540, 28, 28, 28, [28, 28]],
    [1540, 28, 29, 28, [56, 28]],
    [1540, 28, 1, 1, [28, 28]],
    [1540, 28, 27, 55, [28, 56]],
    [1540, 28, 5000, 40, [1540, 28]],
    [1540, 28, 640, 480, [644, 504]],
    [1540, 28, 1023, 1025, [1036, 1036]],
    [1540, 28, 777, 3333, [364, 1540]],
    [1024, 16, 1000, 100, [1008, 112]],
    [1024, 16, 100, 1000, [112, 1008]],
    [1024, 16, 1540, 1540, [1024, 1024]],
    [1024, 16, 1541, 1540, [1024, 1024]],
    [1024, 16, 4032, 3024, [1024, 768]],
    [1024, 16, 3024, 4032, [768, 1024]],
    [1024, 16, 28, 28, [32, 32]],
    [1024, 16, 29, 28, [32, 32]],
    [1024, 16, 1, 1, [16, 16]],
    [1024, 16, 27, 55, [32, 64]],
    [1024, 16, 5000, 40, [1024, 16]],
    [1024, 16, 640, 480, [640, 480]],
    [1024, 16, 1023, 1025, [1024, 1024]],
    [1024, 16, 777, 3333, [240, 1024]],
    [60, 10, 1000, 100, [60, 10]],
    [60, 10, 100, 1000, [10, 60]],
    [60, 10, 1540, 1540, [60, 60]],
    [60, 10, 1541, 1540, [60, 60]],
    [60, 10, 4032, 3024, [60, 50]],
    [60, 10, 3024, 4032, [50, 60]],
    [60, 10, 28, 28, [30, 30]],
    [60, 10, 29, 28, [30, 30]],
    [60, 10, 1, 1, [10, 10]],
    [60, 10, 27, 55, [30, 60]],
    [60, 10, 640, 480, [60, 50]],
    [60, 10, 1023, 1025, [60, 60]],
    [60, 10, 777, 3333, [20, 60]],
  ])("edge %d, cells of %d: %d x %d", (edge, unit, width, height, size) => {
    const rule = { patch: unit / 2, cell: 2, maxWidth: edge, maxHeight: edge };
    expect(sizeOf(width, height, {}, rule)).toEqual(size);
  });

  it("keep a line of a picture that would have none", () => {
    expect(sizeOf(20000, 1)).toEqual([1540, 28]);
    expect(sizeOf(1, 20000)).toEqual([28, 1540]);
  });
});

describe("budgets", () => {
  it.each<[number, number, number]>([
    [4032, 3024, 500_000],
    [3024, 4032, 28 * 28],
    [5000, 40, 28 * 28 * 7],
    [40, 5000, 28 * 28 * 7],
    [100, 100, 5000],
    [1540, 1540, 1_000_000],
    [29, 29, 28 * 28 * 3],
  ])("%d x %d within %d pixels", (width, height, maxPixels) => {
    const [w, h] = sizeOf(width, height, { maxPixels });
    expect(w * h).toBeLessThanOrEqual(maxPixels);
    expect(w * h).toBeGreaterThan(0);
    const [whole, tall] = sizeOf(width, height);
    expect(w <= whole && h <= tall).toBe(true);
  });

  it("may ask for a larger picture than the model's own rule makes", () => {
    const [width, height] = sizeOf(56, 28, { minPixels: 100_000 });
    expect(width * height).toBeGreaterThanOrEqual(100_000);
    expect(width / height).toBeCloseTo(2, 0);
    expect(sizeOf(800, 600, { minPixels: 100_000 })).toEqual(sizeOf(800, 600));
  });

  it.each<[PictureBudget, string]>([
    [{ maxPixels: 783 }, "pictures.maxPixels (a token has 28 x 28)"],
    [{ maxPixels: 2000.5 }, "pictures.maxPixels"],
    [{ minPixels: 3_000_000 }, "pictures.minPixels (a picture of this request has up to 2371600)"],
    [{ minPixels: 5000, maxPixels: 2000 }, "pictures.minPixels"],
    [{ maxTiles: 0 }, "pictures.maxTiles"],
  ])("refuse %j", (budget, message) => {
    expect(() => sizeOf(640, 480, budget)).toThrow(message);
  });
});

describe("rows in lines", () => {
  const order = lineOrder(2);
  const plan = planLines(SMALL3, { width: 84, height: 84 }, {}); // 3 x 3 cells

  it("are the cells as they stand", () => {
    const { sources, weights, taps, lines } = order.arrange(plan);
    expect([[...sources], [...weights], taps, lines]).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
      new Array(9).fill(1),
      1,
      [3, 3, 3],
    ]);
  });

  it("stand where their owners do, and a line without any is left out", () => {
    // Two cells, then two merged ones, one of which belongs before them.
    const { sources, lines } = order.arrange(plan, [Uint32Array.of(1, 8, 0, 7)]);
    expect([...sources]).toEqual([2, 0, 3, 1]);
    expect(lines).toEqual([2, 2]);
    expect(order.most(plan, [4])).toBe(4);
  });
});
