/** The image encoder's fields of config.json: defaults of each class, and values that must be refused by name. */
import { describe, expect, it } from "vitest";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having } from "../support/descriptions.ts";
import llava7b from "./llava/llava-1.5-7b-hf/config.json" with { type: "json" };
import interleave from "./llava/llava-interleave-qwen-0.5b-hf/config.json" with { type: "json" };
import tiled from "./smolvlm/SmolVLM2-256M-Video-Instruct/config.json" with { type: "json" };
import vit from "./vit/vit-base-patch16-224-in21k/config.json" with { type: "json" };

const encoderOf = (config: object) => describeModel({ "config.json": config }).encoder!;
const base = { width: 768, heads: 12, blocks: 12, qkvBias: true };

describe("defaults of the config classes", () => {
  it("CLIP", () => {
    expect(encoderOf({ model_type: "llava", vision_config: {} })).toMatchObject({
      ...base,
      mlp: { width: 3072, activation: "quick_gelu" },
      eps: 1e-5,
      preNorm: true,
      patch: { side: 32, bias: false },
      positions: { grid: { rows: 7, cols: 7 } },
      classToken: true,
    });
  });

  it("SigLIP", () => {
    const json = having(interleave, { vision_config: { model_type: "siglip_vision_model" } });
    expect(encoderOf(json)).toMatchObject({
      ...base,
      mlp: { width: 3072, activation: "gelu_tanh" },
      eps: 1e-6,
      preNorm: false,
      patch: { side: 16, bias: true },
      positions: { grid: { rows: 14, cols: 14 } },
      classToken: false,
    });
  });

  it("ViT", () => {
    expect(encoderOf({ model_type: "vit" })).toMatchObject({
      ...base,
      mlp: { width: 3072, activation: "gelu" },
      eps: 1e-12,
      preNorm: false,
      patch: { side: 16, bias: true },
      classToken: true,
    });
    expect(encoderOf({ model_type: "vit", qkv_bias: false }).qkvBias).toBe(false);
  });

  it("the tiled models'", () => {
    const json = having(tiled, { vision_config: { image_size: 448 }, scale_factor: 2 });
    expect(encoderOf(json)).toMatchObject({
      width: 1152,
      heads: 16,
      blocks: 12,
      runBlocks: 12,
      mlp: { width: 3072, activation: "gelu_tanh" },
      eps: 1e-6,
      patch: { side: 32, bias: true },
      positions: { grid: { rows: 14, cols: 14 } },
      classToken: false,
    });
  });

  it("a bias flag counts in a ViT only", () => {
    expect(encoderOf(having(llava7b, { "vision_config.qkv_bias": false })).qkvBias).toBe(true);
  });
});

it.each(["gelu_new", "gelu_pytorch_tanh"])("%s is GELU by tanh", (hidden_act) => {
  expect(encoderOf(having(vit, { hidden_act })).mlp.activation).toBe("gelu_tanh");
});

it("does not read pixels beyond the last whole patch", () => {
  expect(encoderOf(having(vit, { image_size: 239 })).positions.grid).toEqual({ rows: 14, cols: 14 });
});

describe("refused, with the field and what is supported", () => {
  it.each<[string, object, Record<string, unknown>, RegExp]>([
    [
      "an unknown activation",
      llava7b,
      { "vision_config.hidden_act": "relu6" },
      /vision_config\.hidden_act is "relu6"; supported: gelu,/,
    ],
    ["one channel", llava7b, { "vision_config.num_channels": 1 }, /vision_config\.num_channels is 1; supported: 3$/],
    ["a patch beyond the picture", llava7b, { "vision_config.patch_size": 337 }, /vision_config\.patch_size is 337/],
    ["tiny patches", llava7b, { "vision_config.patch_size": 1 }, /vision_config\.patch_size is 1; .*patches/],
    ["a huge picture", llava7b, { "vision_config.image_size": 1e6 }, /vision_config\.image_size is 1000000/],
    ["a picture of two sides", vit, { image_size: [224, 224] }, /image_size is a list of 2/],
    [
      "a picture below the class's own patch",
      tiled,
      { vision_config: { image_size: 31 } },
      /vision_config\.image_size is 31; supported: at least the patch_size, 32/,
    ],
    ["such a picture of CLIP", llava7b, { vision_config: { image_size: 16 } }, /vision_config\.image_size is 16; .*32/],
    [
      "heads that do not divide",
      llava7b,
      { "vision_config.num_attention_heads": 15 },
      /vision_config\.num_attention_heads is 15; .*1024/,
    ],
    [
      "wide heads",
      llava7b,
      { "vision_config.num_attention_heads": 4 },
      /vision_config\.num_attention_heads is 4; .*256 wide/,
    ],
    ["many blocks", vit, { num_hidden_layers: 1e9 }, /num_hidden_layers is 1000000000/],
    ["a wide MLP", vit, { intermediate_size: 2 ** 40 }, /intermediate_size is 1099511627776/],
    ["an epsilon of zero", vit, { layer_norm_eps: 0 }, /layer_norm_eps is 0/],
    ["a bias flag as string", vit, { qkv_bias: "true" }, /qkv_bias is "true"/],
  ])("%s", (_, json, changes, message) => {
    expect(configRefusal(having(json, changes))).toMatch(message);
  });
});
