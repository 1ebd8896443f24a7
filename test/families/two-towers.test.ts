/** Fields of CLIP's and SigLIP's configs: defaults of the classes, one tower alone, values that are refused. */
import { describe, expect, test } from "vitest";
import { describeModel } from "../support/describe-model.ts";

const model = (config: object, preprocessor?: object) =>
  describeModel({ "config.json": config, ...(preprocessor && { "preprocessor_config.json": preprocessor }) });
const CLIP = { model_type: "clip" };
const SIGLIP = { model_type: "siglip" };
const names = (config: object) => model(config).tensors.map(({ name }) => name);

describe("defaults", () => {
  test("of CLIPConfig", () => {
    const { encoder, textEncoder, pooling, comparison, pictures, connector, decoder } = model(CLIP);
    expect(encoder).toMatchObject({ width: 768, heads: 12, blocks: 12, runBlocks: 12, eps: 1e-5, preNorm: true });
    expect(encoder).toMatchObject({ mlp: { width: 3072, activation: "quick_gelu" }, patch: { side: 32, bias: false } });
    expect(textEncoder).toEqual({
      ...{ width: 512, heads: 8, blocks: 12, eps: 1e-5, qkvBias: true, vocabularySize: 49408, maxTokens: 77 },
      ...{ mlp: { width: 2048, activation: "quick_gelu" }, causal: true, pooled: { id: 49407 } },
      projection: { width: 512, bias: false },
    });
    expect(pooling).toEqual({ kind: "class", width: 512, projects: true });
    expect(comparison).toEqual({ bias: false, probabilities: "softmax" });
    expect(pictures).toMatchObject({ filter: "bicubic", largest: { width: 224, height: 224 } });
    expect([connector, decoder]).toEqual([[], undefined]);
  });

  test("of SiglipConfig", () => {
    const { encoder, textEncoder, pooling, comparison } = model(SIGLIP);
    expect(encoder).toMatchObject({ width: 768, heads: 12, blocks: 12, eps: 1e-6, postNorm: true, classToken: false });
    expect(encoder).toMatchObject({ patch: { side: 16, bias: true }, mlp: { activation: "gelu_tanh" } });
    expect(textEncoder).toEqual({
      ...{ width: 768, heads: 12, blocks: 12, eps: 1e-6, qkvBias: true, vocabularySize: 32000, maxTokens: 64 },
      ...{ mlp: { width: 3072, activation: "gelu_tanh" }, padded: true, padId: 1, lowercase: true, pooled: "last" },
      projection: { width: 768, bias: true },
    });
    expect(pooling).toEqual({ kind: "probe", width: 768 });
    expect(comparison).toEqual({ bias: true, probabilities: "sigmoid" });
  });
});

test("the wrong end id of old files reads the largest id", () => {
  expect(model({ ...CLIP, text_config: { eos_token_id: 2 } }).textEncoder!.pooled).toBe("largest-id");
});

test("an object under its old name wins, with its own defaults", () => {
  const text = { text_config: { hidden_size: 64, num_hidden_layers: 2 }, text_config_dict: { hidden_size: 768 } };
  const vision = {
    vision_config: { patch_size: 14 },
    vision_config_dict: { hidden_size: 1024, num_attention_heads: 16 },
  };
  const { encoder, textEncoder } = model({ ...CLIP, ...text, ...vision, projection_dim: 768 });
  expect(textEncoder).toMatchObject({ width: 768, blocks: 12, projection: { width: 768 } });
  expect(encoder).toMatchObject({ width: 1024, patch: { side: 32 } });
  const nulls = { text_config: { hidden_size: 64 }, text_config_dict: null };
  expect(model({ ...CLIP, ...nulls }).textEncoder!.width).toBe(64);
});

describe("one tower", () => {
  test("of pictures", () => {
    const spec = model({ model_type: "clip_vision_model", architectures: ["CLIPVisionModelWithProjection"] });
    expect([spec.textEncoder, spec.comparison]).toEqual([undefined, undefined]);
    expect(spec.pooling).toEqual({ kind: "class", width: 512, projects: true });
    expect(model({ model_type: "clip_vision_model" }).pooling).toEqual({ kind: "class", width: 768 });
    expect(model({ model_type: "siglip_vision_model" }).pooling).toEqual({ kind: "probe", width: 768 });
    const bare = model({ model_type: "siglip_vision_model", vision_use_head: false });
    expect(bare.pooling).toBeUndefined();
    // Tensors of the other tower and of the comparison may lie in the file.
    for (const name of ["text_model.embeddings.token_embedding.weight", "logit_scale", "text_projection.weight"])
      expect(spec.ignores(name), name).toBe(true);
    expect(spec.ignores("vision_model.encoder.layers.0.mlp.fc3.weight")).toBe(false);
  });

  test("of texts", () => {
    const spec = model({ model_type: "clip_text_model", architectures: ["CLIPTextModelWithProjection"] });
    expect([spec.encoder, spec.pictures, spec.pooling, spec.comparison]).toEqual(Array(4).fill(undefined));
    expect(spec.textEncoder!.projection).toEqual({ width: 512, bias: false });
    expect(model({ model_type: "clip_text_model" }).textEncoder!.projection).toBeUndefined();
    expect(names({ model_type: "siglip_text_model" })).toContain("text.projection.bias");
  });
});

describe("pictures", () => {
  const plan = (preprocessor?: object) => model(CLIP, preprocessor).pictures!.plan(640, 480, {}).canvases[0]!;

  test("are cropped, not padded, without settings and with old ones", () => {
    const cropped = plan();
    expect([cropped.x.resizedSize, cropped.x.cropStart, cropped.y.resizedSize]).toEqual([298, 37, 224]);
    expect(plan({ feature_extractor_type: "CLIPFeatureExtractor", size: 224, crop_size: 224 })).toEqual(cropped);
  });

  test("SigLIP 2 names a bilinear filter", () => {
    expect(model(SIGLIP, { resample: 2 }).pictures!.filter).toBe("bilinear");
    expect(model(SIGLIP).pictures!.filter).toBe("bicubic");
  });
});

test.for([
  [{ ...CLIP, architectures: ["CLIPForImageClassification"] }, /architectures.*CLIPModel/],
  [{ ...SIGLIP, architectures: ["SiglipForImageClassification"] }, /architectures.*SiglipModel/],
  [{ model_type: "siglip2" }, /model_type is "siglip2"/],
  [{ ...CLIP, projection_dim: 0 }, /projection_dim is 0/],
  [{ ...CLIP, projection_dim: 2 ** 40 }, /projection_dim/],
  [{ ...CLIP, text_config: { eos_token_id: [1] } }, /text_config.eos_token_id is a list/],
  [{ ...CLIP, text_config: { vocab_size: 1e9 } }, /text_config.vocab_size/],
  [{ ...CLIP, text_config: { max_position_embeddings: 1 } }, /text_config.max_position_embeddings is 1/],
  [{ ...CLIP, text_config: { num_attention_heads: 7 } }, /text_config.num_attention_heads is 7/],
  [{ ...CLIP, text_config: { hidden_size: 2048, num_attention_heads: 8 } }, /heads of at most 128/],
  [{ ...CLIP, text_config: { hidden_act: "relu7" } }, /text_config.hidden_act/],
  [{ ...CLIP, text_config: 5 }, /text_config is 5/],
  [{ ...SIGLIP, vision_config: { vision_use_head: false } }, /vision_use_head is false/],
  [{ ...SIGLIP, text_config: { projection_size: 512 } }, /projection_size is 512.*768/],
  [{ ...SIGLIP, vision_config: { hidden_size: 1024, num_attention_heads: 16 } }, /projection_size is missing.*1024/],
] as const)("%j is refused", ([config, says]) => {
  expect(() => model(config)).toThrow(says);
});
