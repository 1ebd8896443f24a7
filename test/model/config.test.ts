/** Reading config.json: published configs with their omissions, and configs that must be refused by name. */
import { describe, expect, it } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { parseConfig } from "../../src/model/config.ts";
import * as configs from "./configs.ts";

/** A copy of `json` with fields set; a path like "text_config.hidden_size" goes inside. */
function having(json: object, changes: Record<string, unknown>): unknown {
  const copy = structuredClone(json) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split(".");
    const last = names.pop()!;
    let target = copy;
    for (const name of names) target = target[name] as Record<string, unknown>;
    if (value === undefined) delete target[last];
    else target[last] = value;
  }
  return copy;
}

function refusal(json: unknown): string {
  try {
    parseConfig(json);
  } catch (error) {
    expect(error).toBeInstanceOf(FoveaError);
    expect((error as FoveaError).code).toBe("unsupported-model");
    return (error as FoveaError).message;
  }
  throw new Error("not refused");
}

describe("published configs", () => {
  it("fills in what llava-1.5-7b-hf omits", () => {
    const { vision, projector, decoder, imageTokenId, keepClassToken, modelType } = parseConfig(configs.llava7b);
    expect(modelType).toBe("llava");
    expect(vision).toEqual({
      family: "clip",
      width: 1024,
      mlpWidth: 4096,
      blocks: 24,
      runBlocks: 23,
      heads: 16,
      imageSize: 336,
      patchSize: 14,
      activation: "quick_gelu",
      eps: 1e-5,
      classToken: true,
      preNorm: true,
      patchBias: false,
      qkvBias: true,
    });
    expect(decoder).toEqual({
      family: "llama",
      width: 4096,
      mlpWidth: 11008,
      layers: 32,
      heads: 32,
      keyHeads: 32,
      headWidth: 128,
      vocabularySize: 32064,
      eps: 1e-5,
      ropeTheta: 10000,
      maxPositions: 4096,
      tiedHead: false,
      qkvBias: false,
      bosId: 1,
      eosIds: [2],
    });
    expect(projector).toEqual({ inputWidth: 1024, width: 4096, activation: "gelu", bias: true });
    expect(imageTokenId).toBe(32000);
    expect(keepClassToken).toBe(false);
  });

  it("reads llava-1.5-13b-hf", () => {
    expect(parseConfig(configs.llava13b).decoder).toMatchObject({
      width: 5120,
      mlpWidth: 13824,
      layers: 40,
      heads: 40,
      keyHeads: 40,
      headWidth: 128,
    });
  });

  it("reads llava-interleave-qwen-0.5b-hf", () => {
    const config = parseConfig(configs.interleave);
    expect(config.vision).toMatchObject({
      family: "siglip",
      blocks: 26,
      runBlocks: 26,
      classToken: false,
      preNorm: false,
      patchBias: true,
      activation: "gelu_tanh",
      eps: 1e-6,
    });
    expect(config.decoder).toMatchObject({ family: "qwen2", tiedHead: true, qkvBias: true, ropeTheta: 1e6, eps: 1e-6 });
    expect(config.decoder?.eosIds).toEqual([151645]);
    expect(config.imageTokenId).toBe(151646);
    expect(config.keepClassToken).toBe(false); // "full", but there is none
  });

  it("fills in what tinyllava omits", () => {
    const { decoder, vision } = parseConfig(configs.tinyLlava);
    expect(decoder).toMatchObject({ width: 2048, heads: 32, keyHeads: 4, headWidth: 64, maxPositions: 2048 });
    expect(vision).toMatchObject({ imageSize: 224, patchSize: 14 });
  });

  it("reads Qwen2-0.5B and TinyLlama", () => {
    expect(parseConfig(configs.qwen2)).toEqual({
      modelType: "qwen2",
      keepClassToken: false,
      decoder: {
        family: "qwen2",
        width: 896,
        mlpWidth: 4864,
        layers: 24,
        heads: 14,
        keyHeads: 2,
        headWidth: 64,
        vocabularySize: 151936,
        eps: 1e-6,
        ropeTheta: 1e6,
        maxPositions: 32768,
        tiedHead: true,
        qkvBias: true,
        bosId: 151643,
        eosIds: [151645],
      },
    });
    expect(parseConfig(configs.tinyLlama).decoder).toMatchObject({ family: "llama", keyHeads: 4, tiedHead: false });
  });

  it("reads a ViT without a head", () => {
    const config = parseConfig(configs.vitWithoutHead);
    expect(config.vision).toMatchObject({
      family: "vit",
      runBlocks: 12,
      eps: 1e-12,
      activation: "gelu",
      patchBias: true,
    });
    expect(config.classes).toBeUndefined();
    expect(config.decoder).toBeUndefined();
  });

  it("reads the original LLaVA form like the ported one", () => {
    const ported = parseConfig(having(configs.llava7b, { "text_config.vocab_size": 32000 }));
    expect(parseConfig(configs.originalLlava)).toEqual(ported);
    const { vision, projector, decoder, keepClassToken } = parseConfig(configs.originalInterleave);
    const portedInterleave = parseConfig(having(configs.interleave, { "text_config.vocab_size": 151936 }));
    expect({ vision, projector, decoder, keepClassToken }).toEqual({
      vision: portedInterleave.vision,
      projector: portedInterleave.projector,
      decoder: portedInterleave.decoder,
      keepClassToken: false,
    });
  });
});

describe("defaults of the config classes", () => {
  it.each([
    ["llama", { width: 4096, mlpWidth: 11008, layers: 32, heads: 32, keyHeads: 32, vocabularySize: 32000 }],
    ["llama", { eps: 1e-6, ropeTheta: 10000, maxPositions: 2048, bosId: 1, eosIds: [2], qkvBias: false }],
    ["qwen2", { width: 4096, mlpWidth: 22016, layers: 32, heads: 32, keyHeads: 32, vocabularySize: 151936 }],
    ["qwen2", { eps: 1e-6, ropeTheta: 10000, maxPositions: 32768, eosIds: [], qkvBias: true }],
  ])("%s", (model_type, expected) => {
    const { decoder } = parseConfig({ model_type });
    expect(decoder).toMatchObject(expected);
    expect(decoder?.bosId).toBe(model_type === "llama" ? 1 : undefined);
  });

  it("ViT", () => {
    expect(parseConfig({ model_type: "vit" }).vision).toMatchObject({ width: 768, patchSize: 16, eps: 1e-12 });
  });

  it("LLaVA, with and without its parts", () => {
    const bare = parseConfig({ model_type: "llava" });
    expect(bare.vision).toMatchObject({ family: "clip", width: 1024, imageSize: 336, patchSize: 14, runBlocks: 23 });
    expect(bare.decoder).toMatchObject({ family: "llama", width: 4096 });
    expect(bare).toMatchObject({ imageTokenId: 32000, projector: { activation: "gelu", bias: true } });
    expect(parseConfig({ model_type: "llava", vision_config: {} }).vision).toMatchObject({ width: 768, patchSize: 32 });
  });

  it("SigLIP", () => {
    const json = having(configs.interleave, { vision_config: { model_type: "siglip_vision_model" } });
    expect(parseConfig(json).vision).toMatchObject({ width: 768, patchSize: 16, activation: "gelu_tanh", eps: 1e-6 });
  });
});

describe("fields with several forms", () => {
  it.each([
    [{ rope_parameters: { rope_theta: 5e5, rope_type: "default" } }, 5e5],
    [{ rope_theta: 2e4 }, 2e4],
    [{ rope_theta: 2e4, rope_parameters: { rope_theta: 3e4 } }, 3e4],
    [{ rope_scaling: { type: "default" }, rope_theta: 2e4 }, 2e4],
  ])("RoPE base of %j", (fields, theta) => {
    const json = {
      ...(having(configs.tinyLlama, { rope_theta: undefined, rope_scaling: undefined }) as object),
      ...fields,
    };
    expect(parseConfig(json).decoder?.ropeTheta).toBe(theta);
  });

  it.each([
    [2, [2]],
    [
      [2, 7, 2],
      [2, 7],
    ],
    [null, []],
    [undefined, [2]],
  ])("end ids %j", (eos_token_id, expected) => {
    expect(parseConfig(having(configs.tinyLlama, { eos_token_id })).decoder?.eosIds).toEqual(expected);
  });

  it("no start id where it is null, Llama's where it is missing", () => {
    expect(parseConfig(having(configs.tinyLlama, { bos_token_id: null })).decoder?.bosId).toBeUndefined();
    expect(parseConfig(having(configs.tinyLlama, { bos_token_id: undefined })).decoder?.bosId).toBe(1);
  });

  it.each([
    [-1, 24],
    [-2, 23],
    [-24, 1],
    [1, 1],
    [24, 24],
  ])("vision_feature_layer %i runs %i blocks of 24", (vision_feature_layer, runBlocks) => {
    expect(parseConfig(having(configs.llava7b, { vision_feature_layer })).vision?.runBlocks).toBe(runBlocks);
  });

  it("takes image_token_id, keeps the class token of full, sees a tied head on either level", () => {
    expect(parseConfig(having(configs.llava7b, { image_token_index: undefined, image_token_id: 9 })).imageTokenId).toBe(
      9,
    );
    expect(parseConfig(having(configs.llava7b, { vision_feature_select_strategy: "full" })).keepClassToken).toBe(true);
    expect(parseConfig(having(configs.llava7b, { tie_word_embeddings: true })).decoder?.tiedHead).toBe(true);
  });

  it("takes a head_dim beside the width, and key heads by default", () => {
    expect(parseConfig(having(configs.tinyLlama, { head_dim: 32 })).decoder?.headWidth).toBe(32);
    expect(parseConfig(having(configs.tinyLlama, { num_key_value_heads: null })).decoder?.keyHeads).toBe(32);
    expect(parseConfig({ model_type: "qwen2", num_attention_heads: 64 }).decoder?.keyHeads).toBe(32);
    expect(parseConfig(having(configs.qwen2, { num_key_value_heads: undefined })).decoder?.keyHeads).toBe(14);
  });

  it.each([
    { sliding_window: 32768, max_window_layers: 12 },
    { sliding_window: null },
    { sliding_window: 64, max_window_layers: 24 },
    { sliding_window: 64, layer_types: Array(24).fill("full_attention") },
  ])("a sliding window that narrows nothing: %o", (fields) => {
    expect(parseConfig(having(configs.qwen2, { use_sliding_window: true, ...fields })).decoder?.layers).toBe(24);
  });

  it("names classes", () => {
    const base = { ...configs.vitWithoutHead, architectures: ["ViTForImageClassification"] };
    expect(parseConfig(base).classes).toEqual(["class 0", "class 1"]);
    expect(parseConfig({ ...base, num_labels: 3 }).classes).toHaveLength(3);
    const id2label = { 0: "cat", 2: "dog", 7: "lost" };
    expect(parseConfig({ ...base, id2label }).classes).toEqual(["cat", "class 1", "dog"]);
    expect(refusal({ ...base, id2label: JSON.parse('{"__proto__": "x"}') })).toContain("id2label.__proto__");
    expect(parseConfig({ ...base, architectures: undefined, id2label: { 0: "one" } }).classes).toEqual(["one"]);
  });
});

describe("refused, with the field and what is supported", () => {
  /** Arrays within arrays, as deep as a parser lets through. */
  const deep = JSON.parse("[".repeat(5000) + "]".repeat(5000)) as unknown;
  const original = configs.originalLlava;
  const vit = { ...configs.vitWithoutHead, architectures: ["ViTForImageClassification"] };
  it.each<[string, unknown, Record<string, unknown>, RegExp]>([
    [
      "no model type",
      configs.llava7b,
      { model_type: undefined },
      /model_type is missing; supported: llava, llama, qwen2, vit/,
    ],
    ["a model type of another kind", configs.llava7b, { model_type: ["llava"] }, /model_type is a list of 1;/],
    ["llava_next", configs.llava7b, { model_type: "llava_next" }, /model_type is "llava_next"/],
    ["a name of Object.prototype", configs.llava7b, { model_type: "constructor" }, /model_type is "constructor"/],
    [
      "mistral inside",
      configs.llava7b,
      { "text_config.model_type": "mistral" },
      /text_config\.model_type is "mistral"; supported: llama, qwen2/,
    ],
    [
      "pixtral inside",
      configs.llava7b,
      { "vision_config.model_type": "pixtral" },
      /vision_config\.model_type is "pixtral"; supported: clip_vision_model, siglip_vision_model/,
    ],
    [
      "a text_config that is a text",
      configs.llava7b,
      { text_config: "llama" },
      /text_config is "llama"; supported: an object/,
    ],
    ["a vision_config that is a list", configs.llava7b, { vision_config: [] }, /vision_config is a list of 0;/],
    ["a deep value", configs.llava7b, { vision_config: deep }, /vision_config is a list of 1;/],
    [
      "packed weights",
      configs.llava7b,
      { quantization_config: { quant_method: "awq" } },
      /quantization_config is an object; .*unquantised/,
    ],
    [
      "packed weights inside",
      configs.llava7b,
      { "text_config.quantization_config": {} },
      /text_config\.quantization_config/,
    ],
    [
      "packed weights of the encoder",
      configs.llava7b,
      { "vision_config.quantization_config": {} },
      /vision_config\.quantization_config/,
    ],
    ["MLX's packed weights", configs.qwen2, { quantization: { bits: 4 } }, /quantization is an object/],
    [
      "a negative width",
      configs.llava7b,
      { "text_config.hidden_size": -4096 },
      /text_config\.hidden_size is -4096; .*from 1 to/,
    ],
    ["a fractional width", configs.tinyLlama, { hidden_size: 2048.5 }, /hidden_size is 2048\.5/],
    ["a huge width", configs.tinyLlama, { hidden_size: 2 ** 53 }, /hidden_size is 9007199254740992/],
    ["an infinite width", configs.tinyLlama, { hidden_size: JSON.parse("1e999") }, /hidden_size is Infinity/],
    ["a width as text", configs.tinyLlama, { hidden_size: "2048" }, /hidden_size is "2048"/],
    ["no layers", configs.tinyLlama, { num_hidden_layers: 0 }, /num_hidden_layers is 0/],
    ["many layers", configs.tinyLlama, { num_hidden_layers: 1e9 }, /num_hidden_layers is 1000000000/],
    ["no heads", configs.tinyLlama, { num_attention_heads: 0 }, /num_attention_heads is 0/],
    [
      "heads that do not divide",
      configs.tinyLlama,
      { num_attention_heads: 33 },
      /num_attention_heads is 33; .*hidden_size 2048/,
    ],
    ["key heads that do not divide", configs.tinyLlama, { num_key_value_heads: 5 }, /num_key_value_heads is 5; .*32/],
    ["more key heads than heads", configs.tinyLlama, { num_key_value_heads: 64 }, /num_key_value_heads is 64/],
    ["an odd head width", configs.tinyLlama, { head_dim: 65 }, /head_dim is 65; .*even/],
    ["a wide head", configs.tinyLlama, { head_dim: 256 }, /head_dim is 256; .*128/],
    [
      "wide heads by division",
      configs.tinyLlama,
      { num_attention_heads: 8, num_key_value_heads: 8 },
      /num_attention_heads is 8; .*256 wide/,
    ],
    ["a vocabulary of nothing", configs.tinyLlama, { vocab_size: 0 }, /vocab_size is 0/],
    ["a huge vocabulary", configs.tinyLlama, { vocab_size: 2 ** 31 }, /vocab_size is 2147483648/],
    ["a huge context", configs.tinyLlama, { max_position_embeddings: 1e12 }, /max_position_embeddings is/],
    ["an epsilon of zero", configs.tinyLlama, { rms_norm_eps: 0 }, /rms_norm_eps is 0/],
    ["an epsilon as text", configs.tinyLlama, { rms_norm_eps: "1e-5" }, /rms_norm_eps is "1e-5"/],
    ["a RoPE base below 1", configs.tinyLlama, { rope_theta: 0 }, /rope_theta is 0/],
    [
      "scaled RoPE",
      configs.tinyLlama,
      { rope_scaling: { type: "linear", factor: 2 } },
      /rope_scaling\.type is "linear"; supported: default/,
    ],
    [
      "Llama 3's RoPE",
      configs.tinyLlama,
      { rope_scaling: { rope_type: "llama3" } },
      /rope_scaling\.rope_type is "llama3"/,
    ],
    ["YaRN in v5", configs.qwen2, { rope_parameters: { rope_type: "yarn" } }, /rope_parameters\.rope_type is "yarn"/],
    [
      "RoPE by layer type",
      configs.qwen2,
      { rope_parameters: { full_attention: { rope_theta: 1 } } },
      /rope_parameters\.full_attention is an object/,
    ],
    ["partial RoPE", configs.qwen2, { partial_rotary_factor: 0.5 }, /partial_rotary_factor is 0\.5/],
    ["rope_scaling as a text", configs.tinyLlama, { rope_scaling: "linear" }, /rope_scaling is "linear"/],
    [
      "a narrow window",
      configs.qwen2,
      { use_sliding_window: true, sliding_window: 4096, max_window_layers: 12 },
      /use_sliding_window is true; .*4096/,
    ],
    [
      "a narrow window by layer type",
      configs.qwen2,
      { use_sliding_window: true, sliding_window: 4096, layer_types: ["sliding_attention"] },
      /use_sliding_window is true/,
    ],
    ["biases on Llama's attention", configs.tinyLlama, { attention_bias: true }, /attention_bias is true/],
    ["biases on Llama's MLP", configs.tinyLlama, { mlp_bias: true }, /mlp_bias is true/],
    ["a bias flag as text", configs.tinyLlama, { attention_bias: "no" }, /attention_bias is "no"/],
    ["GELU in a decoder", configs.tinyLlama, { hidden_act: "gelu" }, /hidden_act is "gelu"; supported: silu, swish/],
    [
      "an unknown activation",
      configs.llava7b,
      { "vision_config.hidden_act": "relu" },
      /vision_config\.hidden_act is "relu"; supported: gelu,/,
    ],
    [
      "an unknown projector activation",
      configs.llava7b,
      { projector_hidden_act: "swiglu" },
      /projector_hidden_act is "swiglu"/,
    ],
    [
      "several feature layers",
      configs.llava7b,
      { vision_feature_layer: [-2, -5] },
      /vision_feature_layer is a list of 2; .*one layer/,
    ],
    ["feature layer 0", configs.llava7b, { vision_feature_layer: 0 }, /vision_feature_layer is 0/],
    [
      "a feature layer behind the end",
      configs.llava7b,
      { vision_feature_layer: 25 },
      /vision_feature_layer is 25; .*24/,
    ],
    ["a feature layer before the start", configs.llava7b, { vision_feature_layer: -25 }, /vision_feature_layer is -25/],
    [
      "an unknown strategy",
      configs.llava7b,
      { vision_feature_select_strategy: "cls" },
      /vision_feature_select_strategy is "cls"; supported: default, full/,
    ],
    [
      "default without a class token",
      configs.interleave,
      { vision_feature_select_strategy: "default" },
      /vision_feature_select_strategy is "default"; supported: "full"/,
    ],
    ["a negative image id", configs.llava7b, { image_token_index: -200 }, /image_token_index is -200/],
    ["two image ids", configs.llava7b, { image_token_id: 7 }, /image_token_id is 7; .*32000/],
    ["one channel", configs.llava7b, { "vision_config.num_channels": 1 }, /vision_config\.num_channels is 1/],
    [
      "a patch beyond the picture",
      configs.llava7b,
      { "vision_config.patch_size": 337 },
      /vision_config\.patch_size is 337/,
    ],
    ["tiny patches", configs.llava7b, { "vision_config.patch_size": 1 }, /vision_config\.patch_size is 1; .*patches/],
    ["a huge picture", configs.llava7b, { "vision_config.image_size": 1e6 }, /vision_config\.image_size is 1000000/],
    ["a picture of two sides", vit, { image_size: [224, 224] }, /image_size is a list of 2/],
    [
      "encoder heads that do not divide",
      configs.llava7b,
      { "vision_config.num_attention_heads": 15 },
      /vision_config\.num_attention_heads is 15; .*1024/,
    ],
    [
      "wide encoder heads",
      configs.llava7b,
      { "vision_config.num_attention_heads": 4 },
      /vision_config\.num_attention_heads is 4; .*256 wide/,
    ],
    ["an end id as text", configs.tinyLlama, { eos_token_id: "</s>" }, /eos_token_id is "<\/s>"/],
    ["end ids of other kinds", configs.tinyLlama, { eos_token_id: [2, -1] }, /eos_token_id is a list of 2/],
    [
      "an unknown ViT architecture",
      vit,
      { architectures: ["ViTForMaskedImageModeling"] },
      /architectures is a list of 1; .*ViTModel/,
    ],
    ["labels as a list", vit, { id2label: ["cat"] }, /id2label is a list of 1/],
    ["a label that is no text", vit, { id2label: { 0: { deep } } }, /id2label\.0 is an object/],
    ["too many classes", vit, { num_labels: 1e9 }, /num_labels is 1000000000/],
    [
      "an unknown original encoder",
      original,
      { mm_vision_tower: "google/vit-huge" },
      /mm_vision_tower is "google\/vit-huge"; supported: clip-vit-large/,
    ],
    ["an original encoder of another kind", original, { mm_vision_tower: 5 }, /mm_vision_tower is 5/],
    [
      "an original encoder of another width",
      original,
      { mm_hidden_size: 3072 },
      /mm_hidden_size is 3072; supported: 1024/,
    ],
    [
      "the first LLaVA's projector",
      original,
      { mm_projector_type: "linear" },
      /mm_projector_type is "linear"; supported: mlp2x_gelu/,
    ],
    ["an original resampler", original, { mm_resampler_type: "qformer" }, /mm_resampler_type is "qformer"/],
    ["original picture markers", original, { mm_use_im_start_end: true }, /mm_use_im_start_end is true/],
    [
      "an original MPT",
      original,
      { model_type: "llava_mpt" },
      /model_type is "llava_mpt"; supported: llava, llava_llama/,
    ],
    ["an original decoder's number", original, { hidden_size: 0 }, /hidden_size is 0/],
  ])("%s", (_, json, changes, message) => {
    expect(refusal(having(json as object, changes))).toMatch(message);
  });

  it.each([null, undefined, 5, "llava", [], [{ model_type: "llava" }]])("a config that is %j", (json) => {
    expect(refusal(json)).toMatch(/config\.json is .*; expected an object/);
  });

  it("cuts long values and names", () => {
    expect(refusal({ model_type: "x".repeat(1e6) }).length).toBeLessThan(300);
    const id2label = { ["9".repeat(1e6)]: 5 };
    expect(refusal({ ...vit, id2label }).length).toBeLessThan(300);
  });
});
