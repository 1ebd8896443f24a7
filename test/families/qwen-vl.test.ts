/** Qwen2-VL, Qwen2.5-VL and Qwen3-VL: defaults of the classes, other spellings, and what is refused. */
import { describe, expect, it } from "vitest";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having } from "../support/descriptions.ts";
import windowed from "./qwen2_5_vl/Qwen2.5-VL-3B-Instruct/config.json" with { type: "json" };
import flat from "./qwen2_vl/Qwen2-VL-2B-Instruct/config.json" with { type: "json" };
import deep from "./qwen3_vl/Qwen3-VL-2B-Instruct/config.json" with { type: "json" };

const describeConfig = (config: object) => describeModel({ "config.json": config });
const digits = (values: readonly number[] | undefined) => values?.join("");

describe("fields left out are those of the class", () => {
  it("of Qwen2-VL", () => {
    const { encoder, decoder, imageTokenId, pictures } = describeConfig({ model_type: "qwen2_vl" });
    expect(encoder).toMatchObject({
      width: 1280,
      heads: 16,
      blocks: 32,
      mlp: { width: 5120, activation: "quick_gelu" },
    });
    expect(decoder).toMatchObject({ width: 8192, vocabularySize: 152064, eps: 1e-5, maxPositions: 32768 });
    expect(decoder!.layers).toHaveLength(80);
    expect(decoder!.layers[0]!.attention).toMatchObject({ heads: 64, keyHeads: 8, qkvBias: true });
    expect(digits(decoder!.rope.axisOfPair)).toBe("0".repeat(16) + "1".repeat(24) + "2".repeat(24));
    expect(imageTokenId).toBe(151655);
    expect(pictures!.shaped!.maxPixels).toBe(28 * 28 * 1280);
  });

  it("of Qwen2.5-VL", () => {
    // The class has a width that makes its heads wider than any that runs; published files have 1280.
    const vision_config = { hidden_size: 1280 };
    const { encoder } = describeConfig({ model_type: "qwen2_5_vl", vision_config });
    expect(encoder).toMatchObject({ width: 1280, mlp: { width: 3420, activation: "silu", gated: true } });
    expect(encoder!.windows).toEqual({ side: 4, whole: [7, 15, 23, 31] });
  });

  it("of Qwen3-VL", () => {
    const vision_config = { out_hidden_size: 4096 };
    const { encoder, decoder } = describeConfig({ model_type: "qwen3_vl", vision_config });
    expect(encoder).toMatchObject({ width: 1152, blocks: 27, taps: [8, 16, 24], patch: { side: 16 } });
    expect(encoder!.positions).toMatchObject({ table: { rows: 48, cols: 48 }, corners: true });
    expect(decoder).toMatchObject({ width: 4096, maxPositions: 128000 });
    expect(decoder!.rope.frequencies[1]).toBeCloseTo(5e5 ** (-1 / 64), 12);
    expect(digits(decoder!.rope.axisOfPair)).toBe(`${"012".repeat(20)}0000`);
  });
});

describe("spellings of RoPE", () => {
  const { rope } = describeConfig(flat).decoder!;
  const { rope_theta, rope_scaling, ...rest } = flat;
  it.each<[string, object]>([
    [
      "as transformers 4.45 saves it",
      { ...flat, rope_scaling: { ...rope_scaling, type: "default", rope_type: "default" } },
    ],
    [
      "as transformers 5 saves it",
      { ...rest, rope_parameters: { rope_type: "default", rope_theta, mrope_section: [16, 24, 24] } },
    ],
    ["without sections", { ...flat, rope_scaling: null }],
  ])("%s", (_, config) => {
    expect(describeConfig(config).decoder!.rope).toEqual(rope);
  });

  it("YaRN with sections", () => {
    const yarn = { type: "yarn", factor: 4, original_max_position_embeddings: 32768, mrope_section: [16, 24, 24] };
    const stretched = describeConfig({ ...flat, rope_scaling: yarn }).decoder!;
    expect(stretched.rope.axisOfPair).toEqual(rope.axisOfPair);
    expect(stretched.rope.factor).toBeCloseTo(0.1 * Math.log(4) + 1, 12);
    expect(stretched.maxPositions).toBe(131072);
  });
});

it("reads the decoder at the level that has it", () => {
  const { vision_config, image_token_id, ...text } = flat;
  const nested = {
    model_type: "qwen2_vl",
    vision_config,
    image_token_id,
    text_config: { ...text, model_type: "qwen2_vl_text" },
  };
  expect(describeConfig(nested).decoder).toEqual(describeConfig(flat).decoder);
});

it("puts taps in the order of blocks, with the mergers that files number by the list", () => {
  const config = having(deep, { "vision_config.deepstack_visual_indexes": [11, 17, 5] });
  const { encoder, tensors } = describeConfig(config);
  expect(encoder!.taps).toEqual([5, 11, 17]);
  const norm = tensors.find(({ name }) => name === "taps.0.norm.weight")!;
  expect(norm.parts[0]!.names).toContain("model.visual.deepstack_merger_list.2.norm.weight");
});

it("needs no taps", () => {
  const { encoder, tapConnectors } = describeConfig(having(deep, { "vision_config.deepstack_visual_indexes": [] }));
  expect([encoder!.taps, tapConnectors]).toEqual([undefined, undefined]);
});

it.each<[string, object, Record<string, unknown>, RegExp]>([
  [
    "sections that do not fill a head",
    flat,
    { "rope_scaling.mrope_section": [16, 24, 25] },
    /mrope_section is a list of 3/,
  ],
  [
    "two sections",
    flat,
    { "rope_scaling.mrope_section": [32, 32] },
    /three positive integers that add up to the 64 pairs/,
  ],
  [
    "heads of an odd shape",
    flat,
    { "vision_config.num_heads": 128 },
    /multiple of 4 up to 128, embed_dim 1280 makes them 10/,
  ],
  [
    "another width of the merger",
    flat,
    { "vision_config.hidden_size": 1000 },
    /vision_config\.hidden_size is 1000; supported: 1536/,
  ],
  ["a huge patch", flat, { "vision_config.patch_size": 1e6 }, /patch_size is 1000000/],
  [
    "windows below a cell",
    windowed,
    { "vision_config.window_size": 20 },
    /window_size is 20; supported: at least the 28 pixels/,
  ],
  [
    "no list of whole blocks",
    windowed,
    { "vision_config.fullatt_block_indexes": "all" },
    /fullatt_block_indexes is "all"/,
  ],
  ["a tap of no block", deep, { "vision_config.deepstack_visual_indexes": [5, 24] }, /different blocks below 24/],
  ["a tap twice", deep, { "vision_config.deepstack_visual_indexes": [5, 5] }, /different blocks below 24/],
  [
    "no square of positions",
    deep,
    { "vision_config.num_position_embeddings": 2300 },
    /the number of places of a square/,
  ],
])("is refused with %s", (_, config, changes, message) => {
  expect(configRefusal(having(config as typeof flat, changes))).toMatch(message);
});
