/** Sizes, tiles and budgets of the rule; that its pixels are right is test/families/tile-pixels.gpu.test.ts. */
import { describe, expect, test } from "vitest";
import { type LongestEdgeTiles, planLongestEdgeTiles, tileGrid } from "../../src/families/parts/longest-edge-tiles.ts";
import { canvasSize } from "../../src/image/geometry.ts";
import type { PictureBudget } from "../../src/shared/picture.ts";
import type { PicturePlan } from "../../src/spec/picture-spec.ts";

const GRID = { rows: 32, cols: 32 };
const RULE: LongestEdgeTiles = { longestEdge: 2048, tile: 512, grid: GRID, splits: true };

const plan = (width: number, height: number, rule: Partial<LongestEdgeTiles> = {}, budget: PictureBudget = {}) =>
  planLongestEdgeTiles({ ...RULE, ...rule }, width, height, budget);

const sizes = ({ canvases }: PicturePlan) =>
  canvases.map((canvas) => {
    const { width, height } = canvasSize(canvas);
    return [width, height];
  });

const tilesOf = (made: PicturePlan) => {
  const { rows, cols } = tileGrid(made);
  return [rows, cols];
};

/**
 * By the formulas of transformers 5.24, run in Python: width, height, L, t; the first resize; the canvas that is cut (t x t
 * without tiles); rows and columns of tiles.
 */
const PYTHON = [
  [1920, 1080, 2048, 512, 2048, 1152, 2048, 1536, 3, 4],
  [1080, 1920, 2048, 512, 1152, 2048, 1536, 2048, 4, 3],
  [4000, 20, 2048, 512, 2048, 10, 2048, 512, 1, 4],
  [300, 60000, 2048, 512, 10, 2048, 512, 2048, 4, 1],
  [25, 20, 2048, 512, 2048, 1638, 2048, 2048, 4, 4],
  [2, 2, 2048, 512, 2048, 2048, 2048, 2048, 4, 4],
  [83, 83, 1456, 364, 1456, 1456, 1456, 1456, 4, 4],
  // An odd short edge grows by one: 1021 to 1022, 21 to 22.
  [451, 300, 1536, 384, 1536, 1022, 1536, 1152, 3, 4],
  [37, 187, 112, 56, 22, 112, 56, 112, 2, 1],
  // The cap, and no such growth below it.
  [1000, 999, 8192, 512, 4096, 4092, 4096, 4096, 8, 8],
  [999, 1000, 5000, 512, 4092, 4096, 4096, 4096, 8, 8],
  [512, 512, 512, 512, 512, 512, 512, 512, 0, 0],
  [511, 512, 512, 512, 512, 512, 512, 512, 0, 0],
  [1709, 2793, 384, 384, 234, 384, 384, 384, 0, 0],
  [2100, 189, 63, 63, 63, 6, 63, 63, 0, 0],
  [2939, 4344, 1536, 512, 1040, 1536, 1536, 1536, 3, 3],
  [2042, 426, 160, 40, 160, 34, 160, 40, 1, 4],
  [109, 1777, 1024, 512, 62, 1024, 512, 1024, 2, 1],
  [1614, 3141, 126, 63, 64, 126, 126, 126, 2, 2],
  [2163, 535, 126, 63, 126, 32, 126, 63, 1, 2],
  [384, 1484, 160, 40, 42, 160, 80, 160, 4, 2],
  [3793, 887, 1536, 512, 1536, 360, 1536, 512, 1, 3],
] as const;

test.for(PYTHON)("%i x %i, edge %i, tiles of %i", ([width, height, longestEdge, tile, ...expected]) => {
  const made = plan(width, height, { longestEdge, tile });
  const first = sizes(made)[0];
  const second = sizes(made)[made.views[0]!.canvas];
  const [rows, cols] = tilesOf(made);
  expect([...first!, ...second!, rows, cols]).toEqual(expected);
  expect(made.views).toHaveLength(rows! * cols! + 1);
});

describe("1920 x 1080", () => {
  const made = plan(1920, 1080);

  test("is resized twice, and the canvas of the tiles once more for the overview", () => {
    expect(sizes(made)).toEqual([
      [2048, 1152],
      [2048, 1536],
      [512, 512],
    ]);
    expect(made.canvases.map(({ from }) => from)).toEqual(["picture", 0, 1]);
  });

  test("has twelve tiles row by row, and then the overview", () => {
    const place = ({ canvas, left, top, width, height }: PicturePlan["views"][number]) => [
      ...[canvas, left, top],
      ...[width, height],
    ];
    expect(made.views).toHaveLength(13);
    expect(place(made.views[1]!)).toEqual([1, 512, 0, 512, 512]);
    expect(place(made.views[4]!)).toEqual([1, 0, 512, 512, 512]);
    expect(place(made.views[11]!)).toEqual([1, 1536, 1024, 512, 512]);
    expect(place(made.views[12]!)).toEqual([2, 0, 0, 512, 512]);
    expect(made.views.every(({ grid }) => grid === GRID)).toBe(true);
  });
});

test("a second resize to the same size is left out", () => {
  expect(sizes(plan(1000, 1000))).toEqual([
    [2048, 2048],
    [512, 512],
  ]);
  // The first is not: a view needs a canvas.
  expect(sizes(plan(512, 512, { longestEdge: 512 }))).toEqual([[512, 512]]);
});

test("without splitting: one view, squashed from the first resize", () => {
  const made = plan(1920, 1080, { splits: false });
  expect(sizes(made)).toEqual([
    [2048, 1152],
    [512, 512],
  ]);
  expect(tilesOf(made)).toEqual([0, 0]);
  expect(made.views).toEqual([{ grid: GRID, canvas: 1, left: 0, top: 0, width: 512, height: 512 }]);
});

describe("budgets", () => {
  const withBudget = (width: number, height: number, budget: PictureBudget) => plan(width, height, {}, budget);

  test.for([
    // As many as the rule makes, or more: nothing changes.
    [1920, 1080, 12, 3, 4],
    [1920, 1080, 1000, 3, 4],
    // 2 x 3, then 2 x 2 of an edge of 1024.
    [1920, 1080, 11, 2, 3],
    [1920, 1080, 6, 2, 3],
    [1920, 1080, 5, 2, 2],
    [1920, 1080, 4, 2, 2],
    // An edge of 512 is one tile: no splitting.
    [1920, 1080, 3, 0, 0],
    [1920, 1080, 1, 0, 0],
    [1000, 1000, 15, 3, 3],
    [1000, 100, 3, 1, 3],
    [100, 1000, 2, 2, 1],
    [100, 1000, 1, 0, 0],
  ])("%i x %i, at most %i tiles: %i x %i", ([width = 0, height = 0, maxTiles = 0, ...expected]) => {
    expect(tilesOf(withBudget(width, height, { maxTiles }))).toEqual(expected);
  });

  test("tiles are bounded by a longest edge of whole tiles", () => {
    expect(sizes(withBudget(1920, 1080, { maxTiles: 6 }))).toEqual([
      [1536, 864],
      [1536, 1024],
      [512, 512],
    ]);
  });

  test("no splitting by a budget is no splitting by the file", () => {
    for (const maxTiles of [1, 3])
      expect(withBudget(1920, 1080, { maxTiles })).toEqual(plan(1920, 1080, { splits: false }));
    expect(plan(1920, 1080, { splits: false }, { maxTiles: 5 })).toEqual(plan(1920, 1080, { splits: false }));
  });

  test.for([
    [1920, 1080, 1_000_000],
    [1920, 1080, 6 * 512 * 512],
    [1920, 1080, 512 * 512],
    [300, 60000, 20_000_000],
    [83, 83, 300_001],
  ])("%i x %i, at most %i pixels: as many tiles as have them", ([width = 0, height = 0, maxPixels = 0]) => {
    const made = withBudget(width, height, { maxPixels });
    const cut = made.views.slice(0, Math.max(1, made.views.length - 1));
    expect(cut.reduce((sum, view) => sum + view.width * view.height, 0)).toBeLessThanOrEqual(maxPixels);
    expect(made).toEqual(withBudget(width, height, { maxTiles: Math.floor(maxPixels / 512 ** 2) }));
  });

  test("pixels that are enough change nothing; both limits hold together", () => {
    const tiles = 12 * 512 * 512;
    expect(withBudget(1920, 1080, { maxPixels: tiles })).toEqual(plan(1920, 1080));
    expect(tilesOf(withBudget(1920, 1080, { maxPixels: tiles - 1 }))).not.toEqual([3, 4]);
    expect(tilesOf(withBudget(1920, 1080, { maxPixels: tiles, maxTiles: 4 }))).toEqual([2, 2]);
    expect(tilesOf(withBudget(1920, 1080, { maxPixels: 2_000_000, maxTiles: 11 }))).toEqual([2, 3]);
    expect(tilesOf(withBudget(1920, 1080, { maxPixels: tiles, maxTiles: 1 }))).toEqual([0, 0]);
  });

  test("limits that make no sense", () => {
    const refused = (budget: object) => () => withBudget(100, 100, budget);
    expect(refused({ maxTiles: 0 })).toThrow(
      new RangeError("pictures.maxTiles must be an integer from 1 to 9007199254740991, got 0"),
    );
    expect(refused({ maxTiles: 2.5 })).toThrow(RangeError);
    expect(refused({ maxTiles: "4" })).toThrow(RangeError);
    expect(refused({ maxPixels: 512 * 512 - 1 })).toThrow(
      /pictures.maxPixels \(a tile has 512 x 512\) .* from 262144 .* got 262143/,
    );
    expect(refused({ maxPixels: Number.NaN })).toThrow(RangeError);
    expect(refused({ minPixels: 100 })).toThrow(TypeError);
    expect(refused({ minPixels: 100 })).toThrow(
      /pictures.minPixels is 100, but this model enlarges every picture to 2048/,
    );
  });
});
