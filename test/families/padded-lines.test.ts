/** Pictures padded to whole patches: sizes as transformers computes them, budgets, and hostile settings. */
import { describe, expect, it } from "vitest";
import { planPadded } from "../../src/families/parts/padded-lines.ts";
import type { PictureBudget } from "../../src/shared/picture.ts";
import { describeModel } from "../support/describe-model.ts";

const FUYU = { patch: 30, width: 1920, height: 1080 };
const SMALL = { patch: 10, width: 120, height: 90 };

/** Size after the resize, and the grid of patches. */
function sizesOf(width: number, height: number, rule = FUYU, budget: PictureBudget = {}): number[] {
  const { canvases, views } = planPadded(rule, { width, height }, budget);
  const [view] = views;
  const [resized] = canvases;
  const { rows, cols } = view!.grid;
  expect([view!.width, view!.height]).toEqual([cols * rule.patch, rows * rule.patch]);
  expect(canvases.length).toBe(resized!.x.size === view!.width && resized!.y.size === view!.height ? 1 : 2);
  return [resized!.x.resizedSize, resized!.y.resizedSize, rows, cols];
}

describe("sizes", () => {
  // By FuyuImageProcessor of transformers 5.24; the first two are those of the golden case.
  it.each([
    [SMALL, 451, 300, [119, 79, 8, 12]],
    [SMALL, 384, 303, [114, 90, 9, 12]],
    [FUYU, 1920, 1080, [1920, 1080, 36, 64]],
    [FUYU, 1000, 100, [1000, 100, 4, 34]],
    [FUYU, 30, 30, [30, 30, 1, 1]],
    [FUYU, 31, 1, [31, 1, 1, 2]],
    [FUYU, 3840, 2160, [1920, 1080, 36, 64]],
    [FUYU, 4000, 10, [1920, 4, 1, 64]],
    [FUYU, 10, 100000, [1, 1080, 36, 1]],
  ] as const)("%j: %d x %d", (rule, width, height, sizes) => {
    expect(sizesOf(width, height, rule)).toEqual(sizes);
  });
});

describe("budgets", () => {
  it.each([
    [1920, 1080, 900],
    [1920, 1080, 1000 * 900],
    [1920, 1080, 12345],
    [4000, 10, 5 * 900],
    [10, 4000, 5 * 900],
    [61, 61, 8 * 900],
  ])("%d x %d within %d pixels", (width, height, maxPixels) => {
    const [, , rows, cols] = sizesOf(width, height, FUYU, { maxPixels });
    expect(rows! * cols! * 900).toBeLessThanOrEqual(maxPixels);
    // Not needlessly small: one more line and column would not fit.
    expect((rows! + 1) * (cols! + 1) * 900).toBeGreaterThan(maxPixels * 0.8);
  });

  it("leaves a picture that fits as it is", () => {
    expect(sizesOf(95, 61, FUYU, { maxPixels: 12 * 900 })).toEqual(sizesOf(95, 61));
  });

  it("refuses limits that it cannot keep", () => {
    const plan = (budget: PictureBudget) => () => planPadded(FUYU, { width: 100, height: 100 }, budget);
    expect(plan({ maxPixels: 899 })).toThrow(/maxPixels \(a token has 30 x 30\)/);
    expect(plan({ minPixels: 1000 })).toThrow("this model enlarges no picture");
    expect(plan({ maxTiles: 0 })).toThrow("pictures.maxTiles");
  });
});

describe("settings", () => {
  const describeWith = (preprocessor: object, config: object = {}) =>
    describeModel({ "config.json": { model_type: "fuyu", ...config }, "preprocessor_config.json": preprocessor });

  it("needs no file", () => {
    const { pictures, imageTokenId } = describeModel({ "config.json": { model_type: "fuyu" } });
    expect(pictures).toMatchObject({
      filter: "bilinear",
      padColour: 0xff010101,
      largest: { width: 1920, height: 1080 },
    });
    expect(imageTokenId).toBe(71011);
  });

  it("reads the decoder of either level, with and without norms of queries", () => {
    const flat = describeWith({}, { num_hidden_layers: 2, qk_layernorm: false }).decoder!;
    const nested = describeWith({}, { text_config: { num_hidden_layers: 2, qk_layernorm: false } }).decoder!;
    expect(flat).toEqual(nested);
    expect(flat.layers).toHaveLength(2);
    expect(flat.layers[0]!.attention!.qkNorm).toBeUndefined();
    expect(describeWith({}).decoder!.layers[0]!.attention!.qkNorm).toBe("heads");
  });

  it.each([
    [{ padding_mode: "reflect" }, {}, "padding_mode"],
    [{ padding_value: 0.5 }, {}, "padding_value"],
    [{ do_pad: false }, {}, "do_pad"],
    [{ size: { height: 1081, width: 1920 } }, {}, "a multiple of the patch's side, 30"],
    [{ size: { height: 1e9, width: 1920 } }, {}, "size.height"],
    [{ patch_size: { height: 16, width: 30 } }, {}, "patch_size.height"],
    [{ image_mean: [0.5] }, {}, "image_mean"],
    [{}, { patch_size: 129 }, "patch_size"],
    [{}, { num_channels: 1 }, "num_channels"],
    [{}, { image_token_id: -1 }, "image_token_id"],
    [{}, { partial_rotary_factor: 0.3 }, "partial_rotary_factor"],
  ])("%j and %j are refused", (preprocessor, config, field) => {
    expect(() => describeWith(preprocessor, config)).toThrow(field);
  });
});
