/** Tiles by aspect ratio: which grid, in which order, under which budget; and settings that InternVL refuses. */
import { describe, expect, it } from "vitest";
import { planAspectTiles } from "../../src/families/parts/aspect-tiles.ts";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having, refusalOf } from "../support/descriptions.ts";
import config from "./internvl/InternVL3-1B-hf/config.json" with { type: "json" };
import processor from "./internvl/InternVL3-1B-hf/preprocessor_config.json" with { type: "json" };

const RULE = { side: 10, grid: { rows: 2, cols: 2 }, minTiles: 1, maxTiles: 12 };

/** Columns x rows of tiles. */
function tilesOf(width: number, height: number, budget = {}, rule = RULE): string {
  const { canvases } = planAspectTiles(rule, width, height, budget);
  return `${canvases[0]!.x.size / 10}x${canvases[0]!.y.size / 10}`;
}

describe("tiles by aspect ratio", () => {
  it.each<[number, number, string]>([
    [20, 10, "2x1"],
    [10, 20, "1x2"],
    [1000, 10, "12x1"],
    [10, 1000, "1x12"],
    // 1 x 1, 2 x 2 and 3 x 3 are equally near; the last of them whose half is less than the picture wins.
    [14, 14, "1x1"],
    [15, 15, "2x2"],
    [21, 21, "2x2"],
    [22, 22, "3x3"],
    // Exactly half does not.
    [20, 10, "2x1"],
    [40, 10, "4x1"],
    // 3 x 2 is near, and 6 tiles are few enough.
    [31, 20, "3x2"],
    [5, 2, "5x2"],
  ])("%i x %i pixels", (width, height, expected) => {
    expect(tilesOf(width, height)).toBe(expected);
  });

  it("takes the first of equally near ones on both sides of a ratio, a later one for a large picture", () => {
    const rule = { ...RULE, maxTiles: 8 };
    expect(tilesOf(5, 2, {}, rule)).toBe("2x1");
    expect(tilesOf(20, 8, {}, rule)).toBe("3x1");
    expect(tilesOf(50, 20, {}, rule)).toBe("4x2");
  });

  it("cuts row by row, and adds a thumbnail at the end", () => {
    const { canvases, views } = planAspectTiles(RULE, 31, 20, {});
    expect(views.slice(0, 6).map(({ canvas, left, top }) => [canvas, left, top])).toEqual([
      [0, 0, 0],
      [0, 10, 0],
      [0, 20, 0],
      [0, 0, 10],
      [0, 10, 10],
      [0, 20, 10],
    ]);
    expect(views).toHaveLength(7);
    expect(views[6]).toMatchObject({ canvas: 1, left: 0, top: 0, width: 10, height: 10 });
    expect(canvases.map(({ from }) => from)).toEqual(["picture", "picture"]);
  });

  it("adds none to a picture of one tile", () => {
    expect(planAspectTiles(RULE, 9, 10, {}).views).toHaveLength(1);
  });

  it("keeps a budget, also below the least number of tiles", () => {
    expect(tilesOf(1000, 10, { maxTiles: 4 })).toBe("4x1");
    expect(tilesOf(1000, 10, { maxPixels: 599 })).toBe("5x1");
    expect(tilesOf(1000, 10, { maxTiles: 1 })).toBe("1x1");
    expect(tilesOf(1000, 10, { maxTiles: 2 }, { ...RULE, minTiles: 6 })).toBe("2x1");
    expect(tilesOf(10, 10, {}, { ...RULE, minTiles: 6 })).toBe("3x3");
    expect(() => tilesOf(10, 10, { maxTiles: 1.5 })).toThrow(RangeError);
    expect(() => tilesOf(10, 10, { maxPixels: 99 })).toThrow(/maxPixels/);
    expect(() => tilesOf(10, 10, { minPixels: 9 })).toThrow(TypeError);
  });
});

describe("settings", () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      "a picture that is no square",
      { "vision_config.image_size": [448, 224] },
      /image_size is a list of 2; supported: a side/,
    ],
    [
      "a ratio that divides no tile",
      { downsample_ratio: 0.3 },
      /downsample_ratio is 0\.3; supported: 1 over a divisor of/,
    ],
    ["another number of rows", { image_seq_length: 64 }, /image_seq_length is 64; supported: 256/],
    ["another layer", { vision_feature_layer: -2 }, /vision_feature_layer is -2/],
    ["features with the class token", { vision_feature_select_strategy: "full" }, /strategy is "full"/],
    ["another norm", { "vision_config.norm_type": "batch_norm" }, /norm_type is "batch_norm"/],
    [
      "another decoder",
      { "text_config.model_type": "gpt_oss" },
      /model_type is "gpt_oss"; supported: qwen2, qwen3, llama/,
    ],
  ])("refuses %s", (_, changes, message) => {
    expect(configRefusal(having(config, changes))).toMatch(message);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["another size", { "size.height": 224 }, /size\.height is 224; supported: 448/],
    ["more tiles than fit", { max_patches: 1000 }, /max_patches is 1000/],
    [
      "fewer tiles than the least",
      { min_patches: 5, max_patches: 4 },
      /max_patches is 4; supported: an integer from 5/,
    ],
    ["another processor", { image_processor_type: "CLIPImageProcessor" }, /image_processor_type is/],
  ])("refuses a processor with %s", (_, changes, message) => {
    const files = { "config.json": config, "preprocessor_config.json": having(processor, changes) };
    expect(refusalOf(() => describeModel(files))).toMatch(message);
  });

  it("defaults of the classes where config.json is silent", () => {
    const { encoder, pictures } = describeModel({ "config.json": { model_type: "internvl" } });
    expect(encoder).toMatchObject({
      width: 1024,
      blocks: 24,
      heads: 16,
      mlp: { width: 4096 },
      qkvBias: false,
      cell: 2,
    });
    expect(encoder!.positions.grid).toEqual({ rows: 32, cols: 32 });
    expect(pictures!.plan(1000, 1000, {}).views).toHaveLength(10);
  });

  it("the tower of 6B parameters: RMSNorms, and norms of queries and keys", () => {
    const changes = { "vision_config.norm_type": "rms_norm", "vision_config.use_qk_norm": true };
    const { encoder, tensors } = describeModel({ "config.json": having(config, changes) });
    expect(encoder).toMatchObject({ rmsNorms: true, qkNorm: true });
    const names = tensors.map(({ name }) => name).filter((name) => name.startsWith("encoder.blocks.0."));
    expect(names).toEqual(
      ["norm1.weight", "qkv.weight", "qkv.bias", "qNorm.weight", "kNorm.weight", "out.weight", "out.bias", "scale1"]
        .concat(["norm2.weight", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "scale2"])
        .map((name) => `encoder.blocks.0.${name}`),
    );
  });
});
