/** Views of the picture's own shape, and tiles: sizes as transformers computes them, budgets, and refused settings. */
import { describe, expect, it } from "vitest";
import { planTokenRangeTiles } from "../../src/families/parts/token-range-tiles.ts";

const RULE = {
  ...{ patch: 16, cell: 2, minTokens: 64, maxTokens: 256, tolerance: 2 },
  ...{ tile: 512, minTiles: 2, maxTiles: 10, thumbnail: true },
};

/** Width and height of the view of the whole picture; columns and rows of tiles where it is cut. */
function sizesOf(width: number, height: number, budget = {}, rule = RULE): number[] {
  const { canvases, views } = planTokenRangeTiles(rule, width, height, budget);
  const whole = canvases.at(-1)!;
  expect(views.at(-1)).toMatchObject({ width: whole.x.size, height: whole.y.size });
  const cut = canvases.length > 1 ? [canvases[0]!.x.size / rule.tile, canvases[0]!.y.size / rule.tile] : [];
  expect(views).toHaveLength(1 + (cut.length > 0 ? cut[0]! * cut[1]! : 0));
  return [whole.x.size, whole.y.size, ...cut];
}

function tokensOf(width: number, height: number): number {
  const { grid } = planTokenRangeTiles(RULE, width, height, {}).views.at(-1)!;
  return (grid.rows / 2) * (grid.cols / 2);
}

describe("sizes", () => {
  // By smart_resize, _is_image_too_large and _get_grid_layout of transformers 5.24.
  it.each<[number, number, number[]]>([
    [640, 480, [576, 416]],
    [1000, 100, [992, 96]],
    [512, 512, [512, 512]],
    [16, 16, [256, 256]],
    // 1.5 and 2.5 tokens a side round to 2: too few, and enlarged.
    [48, 80, [224, 352]],
    [80, 48, [352, 224]],
    [300, 900, [288, 896]],
    [255, 257, [256, 256]],
    [33, 700, [64, 1184]],
    [100, 5000, [64, 3616]],
    [1, 300, [32, 4448]],
    // 32.5 tokens a side round to 32: with 16 of them not large.
    [1040, 512, [704, 352]],
    // Just large enough to be cut; 2 x 2 although 1 x 1 has the same shape.
    [724, 724, [512, 512, 2, 2]],
    [1024, 768, [576, 416, 3, 2]],
    [800, 1200, [416, 608, 2, 3]],
    [3024, 4032, [416, 576, 2, 3]],
    [4000, 1000, [1024, 256, 4, 1]],
    [5120, 512, [1600, 160, 10, 1]],
    [1023, 1025, [480, 512, 2, 2]],
    [2000, 2000, [512, 512, 3, 3]],
    [1280, 512, [800, 320, 5, 2]],
    [720, 1480, [352, 704, 2, 4]],
  ])("of %i x %i pixels", (width, height, expected) => {
    expect(sizesOf(width, height)).toEqual(expected);
  });

  it.each<[number, number]>([
    [20000, 10],
    [10, 20000],
    [1, 2000],
    [30000, 300],
    [1, 1],
  ])("of %i x %i pixels stay within the tokens of a view", (width, height) => {
    // The published rule makes up to 715 tokens of such pictures.
    expect(tokensOf(width, height)).toBeLessThanOrEqual(256);
    expect(tokensOf(height, width)).toBeLessThanOrEqual(256);
    expect(tokensOf(width, height)).toBeGreaterThanOrEqual(64);
  });
});

describe("views", () => {
  it("are tiles row by row, then the whole picture with a grid of its own", () => {
    const { canvases, views } = planTokenRangeTiles(RULE, 1024, 768, {});
    expect(canvases.map(({ from }) => from)).toEqual(["picture", "picture"]);
    expect(views.map(({ canvas, left, top }) => [canvas, left, top])).toEqual([
      [0, 0, 0],
      [0, 512, 0],
      [0, 1024, 0],
      [0, 0, 512],
      [0, 512, 512],
      [0, 1024, 512],
      [1, 0, 0],
    ]);
    expect(views[5]!.grid).toEqual({ rows: 32, cols: 32 });
    expect(views[6]!.grid).toEqual({ rows: 26, cols: 36 });
  });

  it("are tiles alone without a thumbnail", () => {
    const { canvases, views } = planTokenRangeTiles({ ...RULE, thumbnail: false }, 1024, 768, {});
    expect([canvases.length, views.length]).toEqual([1, 6]);
  });

  it("are one for a model that cuts none, and for a grid of one tile", () => {
    expect(sizesOf(3000, 2000, {}, { ...RULE, maxTiles: 1, minTiles: 1 })).toEqual([608, 416]);
    // A square as small as that is nearest to one tile.
    expect(sizesOf(724, 724, {}, { ...RULE, minTiles: 1, maxTiles: 3 })).toEqual([512, 512]);
  });
});

describe("budgets", () => {
  it("allow fewer tiles, or none", () => {
    expect(sizesOf(2000, 2000, { maxTiles: 8 })).toEqual([512, 512, 2, 2]);
    expect(sizesOf(2000, 2000, { maxTiles: 1 })).toEqual([512, 512]);
    expect(sizesOf(2000, 2000, { maxPixels: 4 * 512 * 512 })).toEqual([512, 512, 2, 2]);
    expect(sizesOf(2000, 1000, { maxPixels: 512 * 512 })).toEqual([704, 352]);
  });

  it("bound the only view", () => {
    expect(sizesOf(512, 512, { maxPixels: 10 * 1024 })).toEqual([96, 96]);
    expect(sizesOf(512, 512, { maxPixels: 1024 })).toEqual([32, 32]);
    expect(sizesOf(16, 16, { minPixels: 100 * 1024 })).toEqual([320, 320]);
  });

  it.each<[object, RegExp]>([
    [{ maxTiles: 0 }, /pictures\.maxTiles must be an integer from 1 .* got 0/],
    [{ maxPixels: 1023 }, /pictures\.maxPixels \(a token has 32 x 32\) must be an integer from 1024 .* got 1023/],
    [{ minPixels: 262145 }, /pictures\.minPixels \(a view of this model has up to 262144\) .* got 262145/],
    [{ minPixels: 2049, maxPixels: 2048 }, /pictures\.minPixels \(a view of this model has up to 2048\) .* got 2049/],
    [{ minPixels: 1.5 }, /pictures\.minPixels .* got 1\.5/],
  ])("%o is refused", (budget, message) => {
    expect(() => planTokenRangeTiles(RULE, 600, 600, budget)).toThrow(RangeError);
    expect(() => planTokenRangeTiles(RULE, 600, 600, budget)).toThrow(message);
  });
});
