/** Gemma 3 and PaliGemma: defaults where files are silent, other spellings, what stands for a picture, and refused fields. */
import { describe, expect, it } from "vitest";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having, refusalOf } from "../support/descriptions.ts";
import config from "./gemma3/gemma-3-4b-it/config.json" with { type: "json" };
import preprocessor from "./gemma3/gemma-3-4b-it/preprocessor_config.json" with { type: "json" };
import paligemma from "./paligemma/paligemma-3b-mix-224/config.json" with { type: "json" };

const GEMMA3 = { model_type: "gemma3", vision_config: { image_size: 256, patch_size: 16 } };

describe("Gemma 3", () => {
  const describeWith = (changes: Record<string, unknown>) =>
    describeModel({ "config.json": config, "preprocessor_config.json": having(preprocessor, changes) });

  it("may leave out what the classes default to", () => {
    const { encoder, decoder, imageTokenId, connector } = describeModel({ "config.json": GEMMA3 });
    expect(encoder).toMatchObject({ width: 768, blocks: 12, cell: 1, postNorm: true });
    expect(decoder).toMatchObject({ width: 2304, vocabularySize: 262208, maxPositions: 131072, sees: "pictures" });
    const windows = decoder!.layers.map(({ attention }) => attention!.window ?? 0);
    expect(windows.slice(0, 7)).toEqual([4096, 4096, 4096, 4096, 4096, 0, 4096]);
    expect(connector[0]).toEqual({ op: "pool", factor: 1 });
    expect(imageTokenId).toBe(262144);
  });

  it("reads the spelling of transformers 5", () => {
    const text = {
      ...config.text_config,
      rope_scaling: undefined,
      rope_parameters: {
        full_attention: { rope_type: "linear", factor: 8, rope_theta: 1e6 },
        sliding_attention: { rope_type: "default", rope_theta: 1e4 },
      },
      layer_types: Array.from({ length: 34 }, (_, i) => (i % 6 === 5 ? "full_attention" : "sliding_attention")),
    };
    const { image_token_index: id, ...rest } = config;
    const spelled = describeModel({
      "config.json": { ...rest, image_token_id: id, text_config: text },
      "processor_config.json": { image_processor: preprocessor, image_seq_length: 256 },
    });
    const usual = describeModel({ "config.json": config, "preprocessor_config.json": preprocessor });
    expect(JSON.stringify(spelled)).toBe(JSON.stringify(usual));
  });

  it("says so in words where a picture has crops", () => {
    const { pictures } = describeWith({ do_pan_and_scan: true });
    const plan = pictures!.plan(2000, 900, {});
    const texts = pictures!.runs(plan, [5, 6, 7]).map((run) => ("text" in run ? run.text : `[${run.rows}]`));
    expect(texts.join("")).toBe(
      "Here is the original image \n\n<start_of_image>[5]<end_of_image>\n\n" +
        " and here are some crops to help you see better \n\n<start_of_image>[6]<end_of_image>\n\n" +
        " \n\n<start_of_image>[7]<end_of_image>\n\n",
    );
    const { width, height } = pictures!.largest;
    expect(pictures!.plan(width, height, {}).views).toHaveLength(5);
    expect(describeWith({}).pictures!.plan(2000, 900, {}).views).toHaveLength(1);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["tokens of no square", { mm_tokens_per_image: 200 }, /mm_tokens_per_image is 200; supported: the square of/],
    ["more tokens than patches", { mm_tokens_per_image: 5000 }, /mm_tokens_per_image is 5000; .* from 1 to 4096/],
    ["another encoder", { "vision_config.model_type": "clip_vision_model" }, /model_type is "clip_vision_model"/],
    ["another decoder", { "text_config.model_type": "gemma2" }, /model_type is "gemma2"; supported: gemma3_text/],
    ["rows that all see each other", { "text_config.use_bidirectional_attention": true }, /use_bidirectional_att/],
    ["heads that no kernel has", { "text_config.head_dim": 1024 }, /head_dim is 1024; supported: heads of an even/],
    ["an id beyond all", { image_token_index: 2 ** 40 }, /image_token_index is 1099511627776/],
  ])("is refused with %s", (_, changes, message) => {
    expect(configRefusal(having(config, changes))).toMatch(message);
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ size: { height: 448, width: 448 } }, /size.height is 448; supported: 896/],
    [{ image_seq_length: 64 }, /image_seq_length is 64; supported: 256/],
    [{ do_resize: false }, /do_resize is false/],
    [{ image_processor_type: "CLIPImageProcessor" }, /image_processor_type is "CLIPImageProcessor"/],
    [{ pan_and_scan_max_num_crops: 1e6 }, /pan_and_scan_max_num_crops is 1000000; .* from 1 to 16/],
    [{ pan_and_scan_min_crop_size: 0 }, /pan_and_scan_min_crop_size is 0/],
    [{ pan_and_scan_min_ratio_to_activate: -1 }, /pan_and_scan_min_ratio_to_activate is -1/],
  ])("refuses the image processor's %j", (changes, message) => {
    expect(refusalOf(() => describeWith(changes))).toMatch(message);
  });
});

describe("PaliGemma", () => {
  it("may leave out what the classes default to", () => {
    const { encoder, decoder, imageTokenId } = describeModel({ "config.json": { model_type: "paligemma" } });
    expect(encoder).toMatchObject({ width: 1152, blocks: 27, mlp: { width: 4096 }, patch: { side: 14 } });
    expect(encoder!.positions.grid).toEqual({ rows: 16, cols: 16 });
    expect(decoder).toMatchObject({ width: 2048, vocabularySize: 257152, sees: "prompt", firstPosition: 1 });
    expect(decoder!.layers).toHaveLength(18);
    expect(decoder!.layers[0]!.attention).toMatchObject({ heads: 8, keyHeads: 1, headWidth: 256 });
    expect(imageTokenId).toBe(256000);
  });

  it("takes the first files' gelu for its approximation", () => {
    const { decoder } = describeModel({ "config.json": having(paligemma, { "text_config.hidden_act": "gelu" }) });
    expect(decoder!.layers[0]!.mlp.activation).toBe("gelu_tanh");
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["a connector of another width", { projection_dim: 1024 }, /projection_dim is 1024; supported: 2048/],
    ["another decoder", { "text_config.model_type": "llama" }, /model_type is "llama"; supported: gemma, gemma2/],
    ["a causal prompt", { "text_config.use_bidirectional_attention": false }, /use_bidirectional_attention is false/],
    ["another encoder", { "vision_config.model_type": "pixtral" }, /model_type is "pixtral"/],
  ])("is refused with %s", (_, changes, message) => {
    expect(configRefusal(having(paligemma, changes))).toMatch(message);
  });
});
