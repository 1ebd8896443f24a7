import { mat2d, vec2 } from "gl-matrix";
import { describe, expect, test } from "vitest";
import {
  canvasSize,
  chain,
  clipToPicture,
  crop,
  pad,
  padColour,
  squareAt,
  squareOnPicture,
  squarePlan,
  squash,
  tiles,
  viewToPicture,
  wholeView,
} from "../../src/image/geometry.ts";
import type { PicturePlan } from "../../src/spec/picture-spec.ts";
import { CLIP_MEAN } from "../support/pictures.ts";
import { freshRandom } from "../support/random.ts";

const CAT = { width: 451, height: 300 };

describe("canvases", () => {
  test("pad: the shorter side is centred on a square of the longer, the odd pixel behind", () => {
    const { from, x, y } = pad("picture", CAT, 336);
    expect(from).toBe("picture");
    expect(x).toEqual({
      pictureSize: 451,
      canvasSize: 451,
      pictureStart: 0,
      resizedSize: 336,
      cropStart: 0,
      size: 336,
    });
    expect(y).toEqual({
      pictureSize: 300,
      canvasSize: 451,
      pictureStart: 75,
      resizedSize: 336,
      cropStart: 0,
      size: 336,
    });
  });

  test("crop: the long edge is rounded down, and so is the crop's start", () => {
    const { x, y } = crop("picture", CAT, 224);
    // 224 * 451 / 300 = 336.75
    expect([x.resizedSize, x.cropStart]).toEqual([336, 56]);
    expect([y.resizedSize, y.cropStart]).toEqual([224, 0]);
    expect(crop("picture", { width: 2, height: 3 }, 3).y).toMatchObject({ resizedSize: 4, cropStart: 0 });
  });

  test("crop out of a larger shortest edge", () => {
    const { x, y } = crop("picture", { width: 300, height: 600 }, 224, 256);
    expect([x.resizedSize, x.cropStart]).toEqual([256, 16]);
    expect([y.resizedSize, y.cropStart]).toEqual([512, 144]);
  });

  test("squash: each side by itself, not always to a square", () => {
    const { from, x, y } = squash(3, CAT, { width: 448, height: 308 });
    expect(from).toBe(3);
    expect([x.canvasSize, x.resizedSize, y.canvasSize, y.resizedSize]).toEqual([451, 448, 300, 308]);
  });

  test("a chain reads what came before, and leaves out copies", () => {
    const sizes = [
      { width: 451, height: 300 },
      { width: 64, height: 36 },
      { width: 64, height: 36 },
      { width: 64, height: 48 },
    ];
    const canvases = chain(CAT, sizes);
    expect(canvases.map(({ from }) => from)).toEqual(["picture", 0, 1]);
    expect(canvases.map(canvasSize)).toEqual([sizes[0], sizes[1], sizes[3]]);
    expect(canvases[2]!.y).toMatchObject({ pictureSize: 36, canvasSize: 36, resizedSize: 48 });
  });
});

test("tiles: row by row; what fills none at the far edges is left out", () => {
  const grid = { rows: 2, cols: 2 };
  const canvas = squash("picture", CAT, { width: 70, height: 40 });
  const place = ({ left, top }: { left: number; top: number }) => [left, top];
  expect(tiles(4, canvas, 20, grid).map(place)).toEqual([
    [0, 0],
    [20, 0],
    [40, 0],
    [0, 20],
    [20, 20],
    [40, 20],
  ]);
  expect(tiles(4, canvas, 20, grid)[1]).toEqual({ grid, canvas: 4, left: 20, top: 0, width: 20, height: 20 });
  expect(wholeView(4, canvas, grid)).toEqual({ grid, canvas: 4, left: 0, top: 0, width: 70, height: 40 });
});

test("a square plan is one canvas and one view of whole patches", () => {
  for (const mode of ["pad", "crop", "squash"] as const) {
    const { canvases, views } = squarePlan({ mode, size: 50 }, 14, 451, 300);
    expect(canvases).toHaveLength(1);
    expect(views).toEqual([{ grid: { rows: 3, cols: 3 }, canvas: 0, left: 0, top: 0, width: 50, height: 50 }]);
  }
  expect(squarePlan({ mode: "crop", size: 224, shortestEdge: 256 }, 14, 300, 600).canvases).toEqual([
    crop("picture", { width: 300, height: 600 }, 224, 256),
  ]);
});

test("the padding's colour is the mean rounded down", () => {
  const bytes = (mean: readonly [number, number, number]) => {
    const colour = padColour({ mean });
    return [colour & 255, (colour >>> 8) & 255, (colour >>> 16) & 255, colour >>> 24];
  };
  expect(bytes(CLIP_MEAN)).toEqual([122, 116, 104, 255]);
  expect(bytes([0.5, 0.5, 0.5])).toEqual([127, 127, 127, 255]);
  expect(bytes([-1, 0, 7])).toEqual([0, 0, 255, 255]);
});

/** A picture of 400 x 200, resized to 100 x 60, padded below to 100 x 80, and cut into tiles of 40, with an overview of 20 x 20. */
function tiledPlan(): PicturePlan {
  const grid = { rows: 2, cols: 2 };
  const first = squash("picture", { width: 400, height: 200 }, { width: 100, height: 60 });
  const padded = squash(0, { width: 100, height: 60 }, { width: 100, height: 80 });
  padded.y = { ...padded.y, canvasSize: 80 };
  const overview = squash(1, { width: 100, height: 80 }, { width: 20, height: 20 });
  return {
    canvases: [first, padded, overview],
    views: [...tiles(1, padded, 40, grid), wholeView(2, overview, grid)],
  };
}

describe("from views to the picture", () => {
  const onPicture = (plan: PicturePlan, view: number, point: [number, number]) => [
    ...vec2.transformMat2d([0, 0], point, viewToPicture(plan, plan.views[view]!)),
  ];

  test("pad: the corners of the square lie beside the picture", () => {
    const plan = squarePlan({ mode: "pad", size: 100 }, 10, 400, 200);
    expect(onPicture(plan, 0, [0, 0])).toEqual([0, -100]);
    expect(onPicture(plan, 0, [50, 50])).toEqual([200, 100]);
    expect(onPicture(plan, 0, [100, 75])).toEqual([400, 200]);
  });

  test("crop: the square is the middle of the picture", () => {
    const plan = squarePlan({ mode: "crop", size: 100 }, 10, 400, 200);
    expect(onPicture(plan, 0, [0, 0])).toEqual([100, 0]);
    expect(onPicture(plan, 0, [100, 100])).toEqual([300, 200]);
  });

  test("through a chain: each canvas in turn, and the view's place on the last", () => {
    const plan = tiledPlan();
    const near = (found: number[], expected: number[]) =>
      expect(Math.hypot(found[0]! - expected[0]!, found[1]! - expected[1]!)).toBeLessThan(1e-9);
    // 40 pixels of the canvas are 160 of the picture across, and 40 / 60 of 200 down.
    near(onPicture(plan, 0, [40, 40]), [160, 400 / 3]);
    near(onPicture(plan, 3, [10, 5]), [200, 150]);
    near(onPicture(plan, 3, [0, 20]), [160, 200]);
    // The overview's last row is padding: 80 of the canvas are 60 of the picture and 20 more.
    near(onPicture(plan, 4, [20, 20]), [400, 800 / 3]);
    near(onPicture(plan, 4, [10, 15]), [200, 200]);
  });

  test("there and back", () => {
    const random = freshRandom("transforms");
    for (const mode of ["pad", "crop", "squash"] as const) {
      const plan = squarePlan({ mode, size: 336 }, 14, random.integer(2, 60000), random.integer(300, 60000));
      const point: [number, number] = [random.uniform() * 336, random.uniform() * 336];
      const there = viewToPicture(plan, plan.views[0]!);
      const back = mat2d.invert([1, 0, 0, 1, 0, 0], there)!;
      const [x, y] = vec2.transformMat2d([0, 0], vec2.transformMat2d([0, 0], point, there), back) as [number, number];
      expect(Math.hypot(x - point[0], y - point[1])).toBeLessThan(1e-8);
    }
  });
});

describe("patches and cells on the picture", () => {
  const gridOf = (plan: PicturePlan, side: number, view = 0) => {
    const { width, height } = plan.views[view]!;
    const toPicture = viewToPicture(plan, plan.views[view]!);
    return { toPicture, side, rows: Math.floor(height / side), cols: Math.floor(width / side) };
  };

  test("squash: a grid over the whole picture", () => {
    const grid = gridOf(squarePlan({ mode: "squash", size: 28 }, 14, 400, 200), 14);
    const picture = { width: 400, height: 200 };
    expect(squareOnPicture(grid, 0, picture)).toEqual({ x: 0, y: 0, width: 200, height: 100 });
    expect(squareOnPicture(grid, 3, picture)).toEqual({ x: 200, y: 100, width: 200, height: 100 });
  });

  test("pad: cut at the picture's border, empty in the padding", () => {
    const grid = gridOf(squarePlan({ mode: "pad", size: 40 }, 10, 400, 100), 10);
    const picture = { width: 400, height: 100 };
    expect(squareOnPicture(grid, 1, picture)).toMatchObject({ x: 100, width: 100, height: 0 });
    // Rows 150 to 250 of the canvas are the picture; the second row of patches is 100 to 200.
    expect(squareOnPicture(grid, 5, picture)).toEqual({ x: 100, y: 0, width: 100, height: 50 });
    expect(squareOnPicture(grid, 10, picture)).toEqual({ x: 200, y: 50, width: 100, height: 50 });
  });

  test("crop: inside the picture; pixels that fill no patch are left out", () => {
    // 90 pixels are cut to 45, from pixel 22 on.
    const grid = gridOf(squarePlan({ mode: "crop", size: 45 }, 10, 900, 450), 10);
    expect(squareOnPicture(grid, 4, { width: 900, height: 450 })).toEqual({ x: 220, y: 100, width: 100, height: 100 });
  });

  test("tiles: cells of the right tile, cut where the canvas is padded", () => {
    const picture = { width: 400, height: 200 };
    // Cell 3 of the tile at (40, 40): (60, 60) of the canvas on, which is padding.
    expect(squareOnPicture(gridOf(tiledPlan(), 20, 3), 3, picture)).toMatchObject({ x: 240, width: 80, height: 0 });
    const { x, y, width, height } = squareOnPicture(gridOf(tiledPlan(), 20, 3), 1, picture);
    expect([x, width]).toEqual([240, 80]);
    expect(y).toBeCloseTo(400 / 3, 9);
    expect(height).toBeCloseTo(200 / 3, 9);
    expect(clipToPicture([2, 0, 0, 2, -10, -10], { x: 0, y: 0, width: 500, height: 20 }, picture)).toEqual({
      ...{ x: 0, y: 0 },
      ...{ width: 400, height: 30 },
    });
  });

  test("the square at a point, none beside the grid", () => {
    const grid = gridOf(tiledPlan(), 20, 3);
    expect(squareAt(grid, 170, 140)).toBe(0);
    expect(squareAt(grid, 319, 199)).toBe(1);
    expect(squareAt(grid, 250, 205)).toBe(3);
    expect(squareAt(grid, 159, 140)).toBeUndefined();
    expect(squareAt(grid, 321, 140)).toBeUndefined();
    expect(squareAt(grid, 170, 130)).toBeUndefined();
    expect(squareAt(grid, 170, 270)).toBeUndefined();
  });
});
