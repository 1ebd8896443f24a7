/** Pan and scan: crops as transformers cuts them, where they lie on the picture, and budgets. */
import { describe, expect, it } from "vitest";
import { type PanAndScan, planStretched } from "../../src/families/parts/siglip-pictures.ts";
import { viewToPicture } from "../../src/image/geometry.ts";
import type { PictureBudget } from "../../src/shared/picture.ts";

const GRID = { rows: 4, cols: 4 };
const SIDE = 56;
const RULE: PanAndScan = { minCrop: 256, maxCrops: 4, minRatio: 1.2 };

/** Left, top, width and height of each view on the picture. */
function placesOf(width: number, height: number, panAndScan: PanAndScan | undefined, budget: PictureBudget = {}) {
  const plan = planStretched({ side: SIDE, grid: GRID, panAndScan }, { width, height }, budget);
  return plan.views.map((view) => {
    expect(view).toMatchObject({ grid: GRID, left: 0, top: 0, width: SIDE, height: SIDE });
    const [a, , , d, e, f] = [...viewToPicture(plan, view)] as [number, number, number, number, number, number];
    return [e, f, Math.round(a * SIDE), Math.round(d * SIDE)];
  });
}

describe("crops", () => {
  // By pan_and_scan of transformers 5.24.
  it.each<[number, number, PanAndScan, number[][]]>([
    [
      1000,
      800,
      { minCrop: 256, maxCrops: 4, minRatio: 1.2 },
      [
        [0, 0, 500, 800],
        [500, 0, 500, 800],
      ],
    ],
    [1000, 1000, { minCrop: 256, maxCrops: 4, minRatio: 1.2 }, []],
    [
      1200,
      1000,
      { minCrop: 256, maxCrops: 4, minRatio: 1.2 },
      [
        [0, 0, 600, 1000],
        [600, 0, 600, 1000],
      ],
    ],
    [1199, 1000, { minCrop: 256, maxCrops: 4, minRatio: 1.2 }, []],
    [
      2000,
      500,
      { minCrop: 256, maxCrops: 4, minRatio: 1.2 },
      [
        [0, 0, 500, 500],
        [500, 0, 500, 500],
        [1000, 0, 500, 500],
        [1500, 0, 500, 500],
      ],
    ],
    [
      500,
      2000,
      { minCrop: 256, maxCrops: 4, minRatio: 1.2 },
      [
        [0, 0, 500, 500],
        [0, 500, 500, 500],
        [0, 1000, 500, 500],
        [0, 1500, 500, 500],
      ],
    ],
    [
      1024,
      300,
      { minCrop: 256, maxCrops: 4, minRatio: 1.2 },
      [
        [0, 0, 342, 300],
        [342, 0, 342, 300],
        [684, 0, 340, 300],
      ],
    ],
    [
      1281,
      512,
      { minCrop: 256, maxCrops: 4, minRatio: 1.2 },
      [
        [0, 0, 427, 512],
        [427, 0, 427, 512],
        [854, 0, 427, 512],
      ],
    ],
    [
      768,
      1100,
      { minCrop: 256, maxCrops: 4, minRatio: 1.2 },
      [
        [0, 0, 768, 550],
        [0, 550, 768, 550],
      ],
    ],
    [4000, 250, { minCrop: 256, maxCrops: 4, minRatio: 1.2 }, []],
    [
      511,
      256,
      { minCrop: 256, maxCrops: 4, minRatio: 1.2 },
      [
        [0, 0, 256, 256],
        [256, 0, 255, 256],
      ],
    ],
    [
      5000,
      300,
      { minCrop: 256, maxCrops: 4, minRatio: 1.2 },
      [
        [0, 0, 1250, 300],
        [1250, 0, 1250, 300],
        [2500, 0, 1250, 300],
        [3750, 0, 1250, 300],
      ],
    ],
    [
      5000,
      300,
      { minCrop: 256, maxCrops: 16, minRatio: 1.2 },
      [
        [0, 0, 313, 300],
        [313, 0, 313, 300],
        [626, 0, 313, 300],
        [939, 0, 313, 300],
        [1252, 0, 313, 300],
        [1565, 0, 313, 300],
        [1878, 0, 313, 300],
        [2191, 0, 313, 300],
        [2504, 0, 313, 300],
        [2817, 0, 313, 300],
        [3130, 0, 313, 300],
        [3443, 0, 313, 300],
        [3756, 0, 313, 300],
        [4069, 0, 313, 300],
        [4382, 0, 313, 300],
        [4695, 0, 305, 300],
      ],
    ],
    [
      1283,
      701,
      { minCrop: 32, maxCrops: 2, minRatio: 1.2 },
      [
        [0, 0, 642, 701],
        [642, 0, 641, 701],
      ],
    ],
    [
      97,
      41,
      { minCrop: 16, maxCrops: 5, minRatio: 1.0 },
      [
        [0, 0, 49, 41],
        [49, 0, 48, 41],
      ],
    ],
    [
      50,
      50,
      { minCrop: 16, maxCrops: 4, minRatio: 1.0 },
      [
        [0, 0, 25, 50],
        [25, 0, 25, 50],
      ],
    ],
    [1000, 400, { minCrop: 256, maxCrops: 1, minRatio: 1.2 }, [[0, 0, 1000, 400]]],
    [
      7,
      3,
      { minCrop: 1, maxCrops: 4, minRatio: 1.0 },
      [
        [0, 0, 4, 3],
        [4, 0, 3, 3],
      ],
    ],
    [
      5,
      3,
      { minCrop: 1, maxCrops: 4, minRatio: 1.0 },
      [
        [0, 0, 3, 3],
        [3, 0, 2, 3],
      ],
    ],
  ])("of %d x %d pixels by %j", (width, height, rule, crops) => {
    expect(placesOf(width, height, rule)).toEqual([[0, 0, width, height], ...crops]);
  });

  it("are not cut where nobody asks for them, and are no more than a budget allows", () => {
    expect(placesOf(2000, 500, undefined)).toEqual([[0, 0, 2000, 500]]);
    expect(placesOf(2000, 500, RULE, { maxTiles: 1 })).toEqual([[0, 0, 2000, 500]]);
    expect(placesOf(2000, 500, RULE, { maxTiles: 2 })).toHaveLength(3);
    expect(placesOf(2000, 500, RULE, { maxPixels: 3 * SIDE ** 2 })).toHaveLength(4);
    expect(placesOf(2000, 500, RULE, { maxTiles: 9 })).toHaveLength(5);
  });

  it.each<[PictureBudget, string]>([
    [{ maxTiles: 0 }, "pictures.maxTiles"],
    [{ maxPixels: SIDE ** 2 - 1 }, "this model reads every picture as 3136 pixels"],
    [{ minPixels: SIDE ** 2 + 1 }, "this model reads every picture as 3136 pixels"],
    [{ maxPixels: 0.5 }, "pictures.maxPixels"],
  ])("refuse the budget %j", (budget, message) => {
    expect(() => placesOf(2000, 500, RULE, budget)).toThrow(message);
  });
});
