import { vec2 } from "gl-matrix";
import { describe, expect, test } from "vitest";
import { modelToPicture, padColour, patchRectangle, pictureToModel, planResize } from "../../src/image/geometry.ts";
import { CLIP_MEAN } from "../support/pictures.ts";
import { freshRandom } from "../support/random.ts";

describe("plans", () => {
  test("pad: the shorter side is centred on a canvas of the longer, the odd pixel behind", () => {
    const { x, y } = planResize({ mode: "pad", size: 336 }, 451, 300);
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
    const { x, y } = planResize({ mode: "crop", size: 224 }, 451, 300);
    // 224 * 451 / 300 = 336.75
    expect([x.resizedSize, x.cropStart]).toEqual([336, 56]);
    expect([y.resizedSize, y.cropStart]).toEqual([224, 0]);
    expect(planResize({ mode: "crop", size: 3 }, 2, 3).y).toMatchObject({ resizedSize: 4, cropStart: 0 });
  });

  test("crop out of a larger shortest edge", () => {
    const { x, y } = planResize({ mode: "crop", size: 224, shortestEdge: 256 }, 300, 600);
    expect([x.resizedSize, x.cropStart]).toEqual([256, 16]);
    expect([y.resizedSize, y.cropStart]).toEqual([512, 144]);
  });

  test("squash: each side by itself", () => {
    const { x, y } = planResize({ mode: "squash", size: 224 }, 451, 300);
    expect([x.canvasSize, x.resizedSize, y.canvasSize, y.resizedSize]).toEqual([451, 224, 300, 224]);
  });
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

describe("transforms", () => {
  test("pad: the corners of the square lie beside the picture", () => {
    const transform = modelToPicture(planResize({ mode: "pad", size: 100 }, 400, 200));
    expect([...vec2.transformMat2d([0, 0], [0, 0], transform)]).toEqual([0, -100]);
    expect([...vec2.transformMat2d([0, 0], [50, 50], transform)]).toEqual([200, 100]);
    expect([...vec2.transformMat2d([0, 0], [100, 75], transform)]).toEqual([400, 200]);
  });

  test("crop: the square is the middle of the picture", () => {
    const transform = modelToPicture(planResize({ mode: "crop", size: 100 }, 400, 200));
    expect([...vec2.transformMat2d([0, 0], [0, 0], transform)]).toEqual([100, 0]);
    expect([...vec2.transformMat2d([0, 0], [100, 100], transform)]).toEqual([300, 200]);
  });

  test("there and back", () => {
    const random = freshRandom("transforms");
    for (const mode of ["pad", "crop", "squash"] as const) {
      const plan = planResize({ mode, size: 336 }, random.integer(2, 60000), random.integer(300, 60000));
      const point: [number, number] = [random.uniform() * 336, random.uniform() * 336];
      const there = vec2.transformMat2d([0, 0], point, modelToPicture(plan));
      const [x, y] = vec2.transformMat2d([0, 0], there, pictureToModel(plan)) as [number, number];
      expect(Math.hypot(x - point[0], y - point[1])).toBeLessThan(1e-8);
    }
  });
});

describe("patches on the picture", () => {
  test("squash: a grid over the whole picture", () => {
    const plan = planResize({ mode: "squash", size: 28 }, 400, 200);
    expect(patchRectangle(plan, 14, 0)).toEqual({ x: 0, y: 0, width: 200, height: 100 });
    expect(patchRectangle(plan, 14, 3)).toEqual({ x: 200, y: 100, width: 200, height: 100 });
  });

  test("pad: cut at the picture's border, empty in the padding", () => {
    const plan = planResize({ mode: "pad", size: 40 }, 400, 100);
    expect(patchRectangle(plan, 10, 1)).toMatchObject({ x: 100, width: 100, height: 0 });
    // Rows 150 to 250 of the canvas are the picture; the second row of patches is 100 to 200.
    expect(patchRectangle(plan, 10, 5)).toEqual({ x: 100, y: 0, width: 100, height: 50 });
    expect(patchRectangle(plan, 10, 10)).toEqual({ x: 200, y: 50, width: 100, height: 50 });
  });

  test("crop: inside the picture; pixels that fill no patch are left out", () => {
    // 90 pixels are cut to 45, from pixel 22 on.
    const plan = planResize({ mode: "crop", size: 45 }, 900, 450);
    expect(patchRectangle(plan, 10, 4)).toEqual({ x: 220, y: 100, width: 100, height: 100 });
  });
});
