/** LLaVA's own fields, in Hugging Face's form and in the original code's, and values that must be refused by name. */
import { describe, expect, it } from "vitest";
import type { ModelSpec } from "../../src/spec/model-spec.ts";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having } from "../support/descriptions.ts";
import llava7b from "./llava/llava-1.5-7b-hf/config.json" with { type: "json" };
import interleave from "./llava/llava-interleave-qwen-0.5b-hf/config.json" with { type: "json" };
import originalInterleave from "./llava/llava-next-interleave-qwen-0.5b/config.json" with { type: "json" };
import original from "./llava/llava-v1.5-7b/config.json" with { type: "json" };

const specOf = (config: object, beside: object = {}) => describeModel({ "config.json": config, ...beside });
/** CLIP's own image processor, as folders of the original code hold it. */
const CROPPING = {
  feature_extractor_type: "CLIPFeatureExtractor",
  do_center_crop: true,
  size: { shortest_edge: 336 },
  crop_size: { height: 336, width: 336 },
};
const hasHead = ({ tensors }: ModelSpec) => tensors.find(({ name }) => name === "decoder.head")!.parts.length > 0;
/** A spec's data. */
const plain = (spec: ModelSpec) => JSON.parse(JSON.stringify(spec)) as object;

describe("defaults", () => {
  it("without its parts: CLIP ViT-L/14-336 and Llama", () => {
    const bare = specOf({ model_type: "llava" });
    expect(bare.encoder).toMatchObject({ width: 1024, patch: { side: 14 }, runBlocks: 23, keepClassToken: false });
    expect(bare.encoder).toMatchObject({
      positions: { grid: { rows: 24, cols: 24 } },
      mlp: { activation: "quick_gelu" },
    });
    expect(bare.decoder).toMatchObject({ width: 4096, vocabularySize: 32000 });
    expect(bare.imageTokenId).toBe(32000);
    expect(bare.connector[0]).toMatchObject({ activation: "gelu" });
    expect(bare.tensors.map(({ name }) => name)).toContain("connector.1.bias");
  });

  it("with an empty vision_config: CLIP's own", () => {
    expect(specOf({ model_type: "llava", vision_config: {} }).encoder).toMatchObject({
      width: 768,
      patch: { side: 32 },
    });
  });
});

describe("fields with several forms", () => {
  it.each([
    [-1, 24],
    [-2, 23],
    [-24, 1],
    [1, 1],
    [24, 24],
  ])("vision_feature_layer %i runs %i blocks of 24", (vision_feature_layer, runBlocks) => {
    expect(specOf(having(llava7b, { vision_feature_layer })).encoder!.runBlocks).toBe(runBlocks);
  });

  it("takes image_token_id, keeps the class token of full, sees a tied head on either level", () => {
    expect(specOf(having(llava7b, { image_token_index: undefined, image_token_id: 9 })).imageTokenId).toBe(9);
    expect(specOf(having(llava7b, { image_token_id: 32000 })).imageTokenId).toBe(32000);
    expect(specOf(having(llava7b, { vision_feature_select_strategy: "full" })).encoder!.keepClassToken).toBe(true);
    expect(specOf(interleave).encoder!.keepClassToken).toBe(false); // "full", but there is none
    expect(hasHead(specOf(llava7b))).toBe(true);
    expect(hasHead(specOf(having(llava7b, { tie_word_embeddings: true })))).toBe(false);
    expect(hasHead(specOf(having(llava7b, { "text_config.tie_word_embeddings": true })))).toBe(false);
  });

  it("a projector without biases", () => {
    const names = specOf(having(llava7b, { multimodal_projector_bias: false })).tensors.map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("connector."))).toEqual(["connector.1.weight", "connector.2.weight"]);
  });
});

describe("the original code's form", () => {
  it("is read like the ported one", () => {
    const ported = specOf(having(llava7b, { "text_config.vocab_size": 32000 }));
    expect(plain(specOf(original))).toEqual(plain(ported));
    const { encoder, connector, decoder } = specOf(originalInterleave);
    const portedInterleave = specOf(having(interleave, { "text_config.vocab_size": 151936 }));
    expect({ encoder, connector, decoder }).toEqual({
      encoder: portedInterleave.encoder,
      connector: portedInterleave.connector,
      decoder: portedInterleave.decoder,
    });
    expect(encoder!.keepClassToken).toBe(false);
  });

  it("marks a picture by the first id after the vocabulary, the class's own too", () => {
    expect(specOf(originalInterleave).imageTokenId).toBe(151936);
    expect(specOf(having(originalInterleave, { vocab_size: undefined })).imageTokenId).toBe(151936);
    expect(specOf(having(original, { vocab_size: undefined })).imageTokenId).toBe(32000);
  });

  it.each([
    ["pad", 1000],
    ["square", 100],
    [undefined, 100],
    [null, 100],
    [["pad"], 100],
    ["anyres", 100],
    ["anyres_max_9", 100],
  ])("image_aspect_ratio %j makes a canvas of %i rows of a picture of 1000 x 100", (image_aspect_ratio, rows) => {
    // With and without the encoder's own image processor in a file.
    for (const beside of [{}, { "preprocessor_config.json": CROPPING }]) {
      const { canvases } = specOf(having(original, { image_aspect_ratio }), beside).pictures!.plan(1000, 100, {});
      expect(canvases.map(({ y }) => y.canvasSize)).toEqual([rows]);
      // Tiles' overview shows the whole picture; a square is cropped.
      const isWhole = String(image_aspect_ratio).startsWith("anyres") || rows === 1000;
      const [{ x }] = canvases as [(typeof canvases)[0]];
      expect(x.cropStart === 0).toBe(isWhole);
    }
  });

  it("keeps the class token where both are asked for", () => {
    expect(specOf(having(original, { mm_vision_select_feature: "cls_patch" })).encoder!.keepClassToken).toBe(true);
  });
});

describe("refused, with the field and what is supported", () => {
  it.each<[string, object, Record<string, unknown>, RegExp]>([
    [
      "mistral inside",
      llava7b,
      { "text_config.model_type": "mistral" },
      /text_config\.model_type is "mistral"; supported: llama, qwen2/,
    ],
    [
      "an unknown encoder inside",
      llava7b,
      { "vision_config.model_type": "dinov2" },
      /vision_config\.model_type is "dinov2"; supported: clip_vision_model, siglip_vision_model/,
    ],
    [
      "an unknown projector activation",
      llava7b,
      { projector_hidden_act: "swiglu" },
      /projector_hidden_act is "swiglu"/,
    ],
    [
      "several feature layers",
      llava7b,
      { vision_feature_layer: [-2, -5] },
      /vision_feature_layer is a list of 2; .*one layer/,
    ],
    ["feature layer 0", llava7b, { vision_feature_layer: 0 }, /vision_feature_layer is 0/],
    ["a feature layer after the end", llava7b, { vision_feature_layer: 25 }, /vision_feature_layer is 25; .*24/],
    ["a feature layer before the start", llava7b, { vision_feature_layer: -25 }, /vision_feature_layer is -25/],
    [
      "an unknown strategy",
      llava7b,
      { vision_feature_select_strategy: "cls" },
      /vision_feature_select_strategy is "cls"; supported: default, full/,
    ],
    [
      "default without a class token",
      interleave,
      { vision_feature_select_strategy: "default" },
      /vision_feature_select_strategy is "default"; supported: "full"/,
    ],
    ["a negative image id", llava7b, { image_token_index: -200 }, /image_token_index is -200/],
    ["two image ids", llava7b, { image_token_id: 7 }, /image_token_id is 7; .*32000/],
    [
      "an unknown original encoder",
      original,
      { mm_vision_tower: "google/vit-huge" },
      /mm_vision_tower is "google\/vit-huge"; supported: clip-vit-large/,
    ],
    ["an original encoder of another kind", original, { mm_vision_tower: 5 }, /mm_vision_tower is 5/],
    [
      "a name of Object.prototype",
      original,
      { mm_vision_tower: "a/constructor" },
      /mm_vision_tower is "a\/constructor"/,
    ],
    [
      "an original encoder of another width",
      original,
      { mm_hidden_size: 3072 },
      /mm_hidden_size is 3072; supported: 1024/,
    ],
    [
      "an original encoder without a width",
      original,
      { vision_config: { hidden_size: { toString: 2 } } },
      /mm_hidden_size is 1024; supported: .*toString/,
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
    expect(configRefusal(having(json, changes))).toMatch(message);
  });
});
