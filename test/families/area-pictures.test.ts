/** Pictures by their area: sizes that `smart_resize` of transformers gives, other settings, and budgets. */
import { describe, expect, it } from "vitest";
import { type AreaRule, largestPicture, planArea } from "../../src/families/parts/area-pictures.ts";
import type { PictureBudget } from "../../src/shared/picture.ts";
import { describeModel } from "../support/describe-model.ts";
import { having, refusalOf } from "../support/descriptions.ts";
import config from "./qwen2_vl/Qwen2-VL-2B-Instruct/config.json" with { type: "json" };
import preprocessor from "./qwen2_vl/Qwen2-VL-2B-Instruct/preprocessor_config.json" with { type: "json" };

const PUBLISHED: AreaRule = { patch: 14, cell: 2, minPixels: 3136, maxPixels: 12845056 };

function sizeOf(rule: AreaRule, width: number, height: number, budget: PictureBudget = {}): [number, number] {
  const view = planArea(rule, width, height, budget).views[0]!;
  expect(view.grid).toEqual({ rows: view.height / rule.patch, cols: view.width / rule.patch });
  return [view.width, view.height];
}

describe("sizes as transformers has them", () => {
  // Width, height, and the result of `smart_resize(height, width, 28, least, most)`, turned round.
  it.each<[number, number, number, number, [number, number]]>([
    [640, 480, 3136, 12845056, [644, 476]],
    [4000, 3000, 3136, 12845056, [4004, 2996]],
    [4000, 3000, 3136, 1003520, [1148, 840]],
    // 1.5 and 2.5 cells are halves: both round to 2.
    [42, 70, 3136, 12845056, [56, 56]],
    // 0.5 rounds to no cell, so the picture grows.
    [14, 1400, 3136, 12845056, [28, 560]],
    [20, 20, 3136, 12845056, [56, 56]],
    [30, 10, 3136, 12845056, [112, 56]],
    [10, 10, 65536, 16777216, [280, 280]],
    [5600, 28, 3136, 100352, [4480, 28]],
    // Fitting the area gives a side of no cell, which becomes one.
    [639, 31, 3136, 15680, [560, 28]],
  ])("%i x %i within %i to %i", (width, height, minPixels, maxPixels, size) => {
    expect(sizeOf({ ...PUBLISHED, minPixels, maxPixels }, width, height)).toEqual(size);
  });

  it("refuses sides more than 200 times apart, by their numbers", () => {
    expect(() => planArea(PUBLISHED, 2010, 10, {})).toThrow(/2010 x 10 pixels, .* more than 200 times apart; crop it/);
    expect(sizeOf(PUBLISHED, 2000, 10)[1]).toBe(28);
  });
});

describe("a budget", () => {
  it("holds for pictures of every shape", () => {
    for (const [width, height] of [
      [4000, 3000],
      [3000, 20],
      [20, 20],
      [1, 200],
      [999, 1001],
    ] as const)
      for (const tokens of [1, 7, 64, 300]) {
        const [wide, tall] = sizeOf(PUBLISHED, width, height, { maxPixels: tokens * 784 });
        expect(wide * tall, `${width} x ${height}, ${tokens} tokens`).toBeLessThanOrEqual(tokens * 784);
      }
  });

  it("makes small pictures larger, up to the rule's own limit", () => {
    const [width, height] = sizeOf(PUBLISHED, 100, 100, { minPixels: 100 * 784 });
    expect([width, height]).toEqual([280, 280]);
  });

  it.each<[PictureBudget, RegExp]>([
    [{ maxPixels: 783 }, /pictures\.maxPixels \(a token has 28 x 28\)/],
    [{ maxPixels: 1000.5 }, /pictures\.maxPixels/],
    [{ minPixels: 20_000_000 }, /pictures\.minPixels \(a picture of this request has up to 12845056\)/],
    [{ maxPixels: 10_000, minPixels: 20_000 }, /up to 10000/],
    [{ maxTiles: 0 }, /pictures\.maxTiles/],
  ])("%o is refused", (budget, message) => {
    expect(() => planArea(PUBLISHED, 100, 100, budget)).toThrow(message);
  });

  it("has a picture that takes as many cells as any", () => {
    for (const maxPixels of [784, 12 * 784, 150 * 784, 1000 * 784, 1009 * 784]) {
      const { width, height } = largestPicture(PUBLISHED, { maxPixels });
      const [wide, tall] = sizeOf(PUBLISHED, width, height, { maxPixels });
      expect(wide * tall).toBeGreaterThan(0.95 * maxPixels - 784);
      for (const [w, h] of [
        [1000, 1000],
        [200, 1],
        [1600, 900],
      ] as const) {
        const [a, b] = sizeOf(PUBLISHED, w, h, { maxPixels });
        expect(a * b).toBeLessThanOrEqual(wide * tall);
      }
    }
  });
});

describe("settings of the processor", () => {
  const sized = (changes: Record<string, unknown>, size: [number, number] = [4000, 3000]) => {
    const files = { "config.json": config, "preprocessor_config.json": having(preprocessor, changes) };
    const { pictures } = describeModel(files);
    const { width, height } = pictures!.plan(...size, {}).views[0]!;
    return [width, height];
  };
  const without = { min_pixels: null, max_pixels: null };

  it("are areas in `size`, and `min_pixels` and `max_pixels` win over it", () => {
    const size = { longest_edge: 100 * 784, shortest_edge: 50 * 784 };
    expect(sized({ ...without, size })).toEqual([308, 224]);
    expect(sized({ ...without, size: { max_pixels: 100 * 784, min_pixels: 784 } })).toEqual([308, 224]);
    expect(sized({ max_pixels: 1003520, size })).toEqual([1148, 840]);
    expect(sized({ min_pixels: 400 * 784, max_pixels: 500 * 784, size }, [28, 28])).toEqual([560, 560]);
    // Defaults of the class.
    expect(sized(without)).toEqual([1148, 840]);
    expect(sized(without, [20, 20])).toEqual([56, 56]);
  });

  it("of processor_config.json win over those of preprocessor_config.json", () => {
    const processor = { image_processor: { ...preprocessor, max_pixels: 100 * 784 } };
    const files = {
      "config.json": config,
      "preprocessor_config.json": preprocessor,
      "processor_config.json": processor,
    };
    expect(describeModel(files).pictures!.plan(4000, 3000, {}).views[0]).toMatchObject({ width: 308, height: 224 });
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["another patch", { patch_size: 16 }, /patch_size is 16; supported: 14/],
    ["another cell", { merge_size: 1 }, /merge_size is 1; supported: 2/],
    ["another number of frames", { temporal_patch_size: 1 }, /temporal_patch_size is 1; supported: 2/],
    ["less than one token", { max_pixels: 700 }, /max_pixels is 700; supported: an integer from 784/],
    ["more at least than at most", { min_pixels: 2e7 }, /min_pixels is 20000000; .* to 12845056/],
    ["no resize", { do_resize: false }, /do_resize is false; supported: true/],
    ["another processor", { image_processor_type: "CLIPImageProcessor" }, /image_processor_type is/],
  ])("with %s are refused", (_, changes, message) => {
    const files = { "config.json": config, "preprocessor_config.json": having(preprocessor, changes) };
    expect(refusalOf(() => describeModel(files))).toMatch(message);
  });
});
