/** Mistral 3, Ministral 3 and Pixtral: defaults where files are silent, other spellings, and refused fields. */
import { describe, expect, it } from "vitest";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having, refusalOf } from "../support/descriptions.ts";
import ministral from "./mistral3/Ministral-3-3B-Instruct-2512-BF16/config.json" with { type: "json" };
import config from "./mistral3/Mistral-Small-3.1-24B-Instruct-2503/config.json" with { type: "json" };
import preprocessor from "./mistral3/Mistral-Small-3.1-24B-Instruct-2503/preprocessor_config.json" with {
  type: "json",
};
import pixtral from "./pixtral/pixtral-12b/config.json" with { type: "json" };

describe("config.json", () => {
  it("may leave out what the classes default to", () => {
    const { encoder, decoder, imageTokenId, connector } = describeModel({ "config.json": { model_type: "mistral3" } });
    expect(encoder).toMatchObject({ width: 1024, heads: 16, blocks: 24, cell: 2, patch: { side: 14 } });
    expect(encoder!.mlp).toEqual({ width: 4096, activation: "gelu", gated: true });
    expect(decoder).toMatchObject({ width: 5120, vocabularySize: 131072, eps: 1e-5 });
    expect(decoder!.layers).toHaveLength(40);
    expect(decoder!.layers[0]!.attention!.window).toBeUndefined();
    expect(imageTokenId).toBe(10);
    expect(connector.map(({ op }) => op)).toEqual(["norm", "fold", "linear", "linear", "linear"]);
  });

  it("has even frequencies for rows and odd ones for columns, of the base under either name", () => {
    const of = (vision: object) => {
      const spec = { model_type: "pixtral", hidden_size: 48, num_attention_heads: 3, ...vision };
      return describeModel({ "config.json": { model_type: "mistral3", vision_config: spec } }).encoder!.rope!
        .frequencies;
    };
    const expected = [0, 2, 4, 6, 1, 3, 5, 7].map((k) => 100 ** (-k / 8));
    expect(of({ rope_theta: 100 })).toEqual(expected);
    // transformers 5 calls it "axial" since 5.2, "default" before.
    for (const type of ["axial", "default"])
      expect(of({ rope_parameters: { rope_type: type, rope_theta: 100 } })).toEqual(expected);
    expect(of({})[4]).toBeCloseTo(10000 ** (-1 / 8), 12);
  });

  it("lets queries grow from the original context on", () => {
    const { rope, maxPositions } = describeModel({ "config.json": ministral }).decoder!;
    expect(rope.growth).toEqual({ length: 16384, rate: 0.1 });
    expect(maxPositions).toBe(262144);
    const plain = having(ministral, { "text_config.rope_parameters.llama_4_scaling_beta": 0 });
    expect(describeModel({ "config.json": plain }).decoder!.rope.growth).toBeUndefined();
  });

  it("takes a model of LLaVA's type with this encoder, and leaves the others alone", () => {
    expect(describeModel({ "config.json": pixtral }).family).toBe("pixtral");
    expect(describeModel({ "config.json": { model_type: "llava" } }).family).toBe("llava");
  });

  it.each<[string, object, Record<string, unknown>, RegExp]>([
    ["another encoder", config, { "vision_config.model_type": "clip_vision_model" }, /model_type is "clip_vision/],
    ["another decoder", config, { "text_config.model_type": "gemma" }, /model_type is "gemma"; supported: mistral/],
    ["heads of odd widths", config, { "vision_config.hidden_size": 1000 }, /makes them 62.5 wide/],
    ["a huge picture", config, { "vision_config.image_size": 1e6 }, /image_size is 1000000; .* from 1 to 4096/],
    ["too many patches", config, { "vision_config.patch_size": 1 }, /patch_size is 1; supported: at most 128 patches/],
    ["unequal sides", config, { "vision_config.image_size": [10, 20] }, /image_size is a list of 2; supported: a side/],
    ["a huge cell", config, { spatial_merge_size: 100 }, /spatial_merge_size is 100; supported: .* from 1 to 8/],
    ["no such block", config, { vision_feature_layer: 30 }, /vision_feature_layer is 30; supported: one layer/],
    ["several layers", config, { vision_feature_layer: [-2, -1] }, /vision_feature_layer is a list of 2/],
    ["another RoPE", config, { "vision_config.rope_parameters": { rope_type: "yarn" } }, /rope_type is "yarn"/],
    ["a first patch dropped", pixtral, { vision_feature_select_strategy: "default" }, /select_strategy is "default"/],
  ])("is refused with %s", (_, json, changes, message) => {
    expect(configRefusal(having(json, changes))).toMatch(message);
  });
});

describe("processor files", () => {
  const describeWith = (changes: Record<string, unknown>, processor: object = {}) =>
    describeModel({
      "config.json": config,
      "preprocessor_config.json": having(preprocessor, changes),
      "processor_config.json": processor,
    });

  it("may name other tokens, and give sides as numbers or two", () => {
    const { pictures } = describeWith({ size: 280 }, { image_break_token: "<br>", image_end_token: "<end>" });
    const plan = pictures!.plan(280, 56, {});
    const texts = pictures!.runs(plan, [10, 10]).map((run) => ("text" in run ? run.text : `[${run.rows}]`));
    expect(texts.join("")).toBe("[10]<br>[10]<end>");
    const two = describeWith({ size: { height: 280, width: 560 } }).pictures!;
    expect(two.plan(2000, 2000, {}).views[0]).toMatchObject({ width: 280, height: 280 });
    expect(two.plan(2000, 200, {}).views[0]).toMatchObject({ width: 560, height: 56 });
  });

  it.each<[Record<string, unknown>, object, RegExp]>([
    [{ size: { longest_edge: 1e9 } }, {}, /longest_edge is 1000000000; supported: an integer from 1 to 1540/],
    [{ patch_size: { height: 16, width: 16 } }, {}, /patch_size is an object; supported: 14/],
    [{ image_processor_type: "CLIPImageProcessor" }, {}, /image_processor_type is "CLIPImageProcessor"/],
    [{ do_resize: false }, {}, /do_resize is false/],
    [{}, { patch_size: 16 }, /patch_size is 16; supported: 14/],
    [{}, { spatial_merge_size: 1 }, /spatial_merge_size is 1; supported: 2/],
    [{}, { image_break_token: 5 }, /image_break_token is 5; supported: a token's text/],
    [{}, { image_end_token: "x".repeat(1000) }, /image_end_token is .*; supported: a token's text/],
  ])("refuse %j, %j", (changes, processor, message) => {
    expect(refusalOf(() => describeWith(changes, processor))).toMatch(message);
  });
});
