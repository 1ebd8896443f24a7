/** Matching the tensors of checkpoints: the reference ones, published ones by their shapes, every layout, broken ones. */
import { describe, expect, it } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { type ModelConfig, parseConfig } from "../../src/model/config.ts";
import { type MatchedPart, matchTensors, weightSlots } from "../../src/model/names.ts";
import { elementCount } from "../../src/shared/shape.ts";
import { parseSafetensorsHeader, type TensorEntry } from "../../src/weights/safetensors.ts";
import { needing, sharedBytes, sharedJson, testShared } from "../support/shared.ts";
import * as configs from "./configs.ts";
import { type DecoderSizes, entries, LAYOUTS, llavaShapes, parameters, textShapes } from "./hub-tensors.ts";

async function sharedTensors(files: string[]): Promise<Map<string, TensorEntry>> {
  const tensors = new Map<string, TensorEntry>();
  for (const file of files) {
    const bytes = await sharedBytes(file);
    const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = parseSafetensorsHeader(bytes.subarray(8, 8 + headerBytes), file, bytes.byteLength);
    for (const [name, entry] of header.tensors) tensors.set(name, entry);
  }
  return tensors;
}

/** That the parts fill every slot of the model row by row, without gap or overlap, each from its own tensor. */
function expectFilled(config: ModelConfig, matched: MatchedPart[]): void {
  const rows = new Map<string, number>();
  for (const { slot, entry, rowOffset } of matched) {
    expect(rowOffset, slot.name).toBe(rows.get(slot.name) ?? 0);
    const count = slot.shape.length === 1 ? elementCount(entry.shape) : elementCount(entry.shape) / slot.shape[1]!;
    rows.set(slot.name, rowOffset + count);
  }
  const slots = weightSlots(config);
  expect(new Set(slots.map(({ name }) => name)).size).toBe(slots.length);
  expect([...rows]).toEqual(slots.map(({ name, shape }) => [name, shape[0]]));
  expect(new Set(matched.map(({ entry }) => entry)).size).toBe(matched.length);
}

describe("reference checkpoints", () => {
  async function expectComplete(folder: string, files: string[], count: number): Promise<void> {
    const config = parseConfig(await sharedJson(`${folder}/config.json`));
    const tensors = await sharedTensors(files.map((file) => `${folder}/${file}.safetensors`));
    const matched = matchTensors(config, tensors);
    expect(matched).toHaveLength(count);
    expectFilled(config, matched);
  }

  // Tensors wanted, counted by hand: an encoder block has 16, a Llama layer 9, a Qwen2 layer 12.
  it.each([
    ["golden/clip-llama-f32", ["model"], 5 + 6 * 16 + 4 + 1 + 5 * 9 + 2],
    ["golden/two-images-f16", ["model"], 5 + 6 * 16 + 4 + 1 + 4 * 9 + 2],
    [
      "golden/siglip-qwen2-bf16-sharded",
      [1, 2, 3].map((i) => `model-0000${i}-of-00003`),
      3 + 6 * 16 + 4 + 1 + 4 * 12 + 1,
    ],
  ])("%s matches completely", expectComplete);

  testShared(needing("real/stories260K", "a trained language model matches completely"), () =>
    expectComplete("real/stories260K", ["model"], 1 + 5 * 9 + 1),
  );

  testShared(needing("real/vit-tiny", "a trained classifier matches completely, its classes too"), async () => {
    await expectComplete("real/vit-tiny", ["model"], 4 + 12 * 16 + 2 + 2);
    const { classes } = parseConfig(await sharedJson("real/vit-tiny/config.json"));
    expect(classes).toHaveLength(1000);
    expect(classes?.[999]).not.toMatch(/^class /);
  });
});

const CLIP_L = { width: 1024, mlp: 4096, blocks: 24, patch: 14, positions: 577 };
const TINY_LLAMA: DecoderSizes = { width: 2048, mlp: 5632, layers: 22, vocabulary: 32000, query: 2048, key: 256 };
const VICUNA: DecoderSizes = { width: 4096, mlp: 11008, layers: 32, vocabulary: 32064, query: 4096, key: 4096 };
const QWEN_HALF: DecoderSizes = {
  width: 1024,
  mlp: 2816,
  layers: 24,
  vocabulary: 152000,
  query: 1024,
  key: 1024,
  qkvBias: true,
  tied: true,
};
const SO400M = { width: 1152, mlp: 4304, blocks: 26, patch: 14, positions: 729, siglip: true };

describe("published checkpoints", () => {
  it.each([
    ["llava-1.5-7b-hf", configs.llava7b, llavaShapes(CLIP_L, VICUNA), 7.06],
    [
      "llava-1.5-13b-hf",
      configs.llava13b,
      llavaShapes(CLIP_L, { width: 5120, mlp: 13824, layers: 40, vocabulary: 32064, query: 5120, key: 5120 }),
      13.35,
    ],
    ["llava-interleave-qwen-0.5b-hf", configs.interleave, llavaShapes(SO400M, QWEN_HALF), 0.86],
    [
      "tinyllava-v1.0-1.1b-hf",
      configs.tinyLlava,
      llavaShapes({ ...CLIP_L, positions: 257 }, { ...TINY_LLAMA, vocabulary: 32128 }),
      1.41,
    ],
    [
      "Qwen2-0.5B-Instruct",
      configs.qwen2,
      textShapes({
        width: 896,
        mlp: 4864,
        layers: 24,
        vocabulary: 151936,
        query: 896,
        key: 128,
        qkvBias: true,
        tied: true,
      }),
      0.494,
    ],
    ["TinyLlama-1.1B", configs.tinyLlama, textShapes(TINY_LLAMA), 1.1],
  ])("%s", (_, json, shapes, billions) => {
    // The shapes above are those of the published file: its parameters come out.
    expect(parameters(shapes) / 1e9).toBeCloseTo(billions, 2);
    const config = parseConfig(json);
    expectFilled(config, matchTensors(config, entries(shapes)));
  });
});

/** A small LLaVA of each kind, and what their files hold. */
const small = {
  ...configs.llava7b,
  text_config: {
    model_type: "llama",
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 30,
  },
  vision_config: {
    model_type: "clip_vision_model",
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 3,
    num_attention_heads: 2,
    image_size: 13,
    patch_size: 4,
  },
};
const smallShapes = llavaShapes(
  { width: 8, mlp: 12, blocks: 3, patch: 4, positions: 10 },
  { width: 16, mlp: 24, layers: 2, vocabulary: 30, query: 16, key: 8 },
);
const clip = parseConfig(small);
const tied = parseConfig({ ...small, tie_word_embeddings: true });
const siglip = parseConfig({
  ...small,
  vision_feature_layer: -1,
  vision_feature_select_strategy: "full",
  vision_config: { ...small.vision_config, model_type: "siglip_vision_model" },
});
const siglipShapes = llavaShapes(
  { width: 8, mlp: 12, blocks: 3, patch: 4, positions: 9, siglip: true },
  { width: 16, mlp: 24, layers: 2, vocabulary: 30, query: 16, key: 8 },
);

/** The small checkpoint, changed: a shape sets a tensor, undefined removes it. */
function changed(changes: Record<string, number[] | undefined>, base = smallShapes): Map<string, TensorEntry> {
  const shapes = new Map(base);
  for (const [name, shape] of Object.entries(changes)) {
    if (shape) shapes.set(name, shape);
    else shapes.delete(name);
  }
  return entries(shapes);
}

describe("layouts", () => {
  const hub = matchTensors(clip, entries(smallShapes));

  it.each(Object.entries(LAYOUTS))("%s, also without the vision_model level", (_, rename) => {
    for (const flat of [false, true]) {
      const name = (hubName: string) => rename(flat ? hubName.replace("vision_model.", "") : hubName);
      const matched = matchTensors(clip, entries(smallShapes, name));
      expect(matched.map(({ slot, entry, rowOffset }) => [slot.name, entry.name, rowOffset])).toEqual(
        hub.map(({ slot, entry, rowOffset }) => [slot.name, name(entry.name), rowOffset]),
      );
    }
  });

  it("of Hugging Face's port with an original config, as the shapes decide alone", () => {
    const config = parseConfig({ ...configs.originalLlava, num_hidden_layers: 1 });
    const shapes = llavaShapes(CLIP_L, { ...VICUNA, vocabulary: 32000, layers: 1 });
    expectFilled(config, matchTensors(config, entries(shapes, LAYOUTS["original LLaVA"])));
  });

  it("mixed in one checkpoint, part by part", () => {
    const v5 = LAYOUTS["transformers v5"]!;
    const mixed = entries(smallShapes, (name) => (name.startsWith("vision_tower") ? name : v5(name)));
    expect(matchTensors(clip, mixed)).toHaveLength(hub.length);
  });

  it("puts fused parts in the order of their rows", () => {
    const slot = hub.filter((part) => part.slot.name === "decoder.layers.1.qkv.weight");
    expect(slot[0]!.slot.shape).toEqual([32, 16]);
    expect(slot.map(({ entry, rowOffset }) => [entry.name.split(".").at(-2), rowOffset])).toEqual([
      ["q_proj", 0],
      ["k_proj", 16],
      ["v_proj", 24],
    ]);
    const vision = hub.filter((part) => part.slot.name === "vision.blocks.1.qkv.bias");
    expect(vision.map(({ entry, rowOffset }) => [entry.name.split(".").at(-2), rowOffset])).toEqual([
      ["q_proj", 0],
      ["k_proj", 8],
      ["v_proj", 16],
    ]);
    const gateUp = hub.filter((part) => part.slot.name === "decoder.layers.0.gateUp.weight");
    expect(gateUp.map(({ entry, rowOffset }) => [entry.name.split(".").at(-2), rowOffset])).toEqual([
      ["gate_proj", 0],
      ["up_proj", 24],
    ]);
    expect(hub.find((part) => part.slot.name === "vision.patch.weight")!.slot.shape).toEqual([8, 48]);
  });

  it("of decoders and ViTs without the task's level", () => {
    const llama = parseConfig({ ...small.text_config, tie_word_embeddings: true });
    const sizes = { width: 16, mlp: 24, layers: 2, vocabulary: 30, query: 16, key: 8, tied: true };
    const bare = entries(textShapes(sizes), (name) => name.replace(/^model\./, ""));
    expectFilled(llama, matchTensors(llama, bare));

    const vit = parseConfig({ ...small.vision_config, model_type: "vit", architectures: ["ViTModel"] });
    const names = weightSlots(vit).flatMap(({ parts }) =>
      parts.map(({ names, shape }): [string, number[]] => [names[1]!, [...shape]]),
    );
    const shapes = new Map([...names, ["pooler.dense.weight", [8, 8]], ["pooler.dense.bias", [8]]] as [
      string,
      number[],
    ][]);
    expect([...shapes.keys()]).toContain("encoder.layer.2.attention.output.dense.weight");
    shapes.set("embeddings.position_embeddings", [1, 10, 8]);
    shapes.set("embeddings.cls_token", [1, 1, 8]);
    shapes.set("embeddings.mask_token", [1, 1, 8]);
    expectFilled(vit, matchTensors(vit, entries(shapes)));
    shapes.set("lm_head.weight", [30, 8]);
    expect(() => matchTensors(vit, entries(shapes))).toThrow(/unknown: "lm_head\.weight"/);
  });
});

describe("known but not wanted", () => {
  const wanted = matchTensors(clip, entries(smallShapes)).length;
  const lastBlock = [...smallShapes.keys()].filter((name) => name.includes("encoder.layers.2."));

  it("blocks behind the last that is run, and the norm behind them, are not loaded, there or not", () => {
    const names = weightSlots(clip).map(({ name }) => name);
    expect(names.some((name) => name.startsWith("vision.blocks.1."))).toBe(true);
    expect(names.some((name) => name.startsWith("vision.blocks.2."))).toBe(false);
    expect(lastBlock).toHaveLength(16);
    const without = changed(
      Object.fromEntries(
        [...lastBlock, "vision_tower.vision_model.post_layernorm.weight"].map((name) => [name, undefined]),
      ),
    );
    expect(matchTensors(clip, without)).toHaveLength(wanted);
  });

  it.each([
    "language_model.model.layers.0.self_attn.rotary_emb.inv_freq",
    "model.rotary_emb.inv_freq",
    "vision_tower.vision_model.embeddings.position_ids",
    "model.image_newline",
    "image_newline",
  ])("%s", (name) => {
    const tensors = changed({ [name]: [3] });
    expect(matchTensors(clip, tensors)).toHaveLength(wanted);
  });

  it("a type that is not read, where the tensor is not wanted either", () => {
    const tensors = changed({ "vision_tower.vision_model.embeddings.position_ids": [1, 10] });
    const name = "vision_tower.vision_model.embeddings.position_ids";
    tensors.set(name, { ...tensors.get(name)!, dtype: "I64" });
    expect(matchTensors(clip, tensors)).toHaveLength(wanted);
  });

  it("the head of a tied model, stored all the same", () => {
    expect(matchTensors(tied, entries(smallShapes))).toHaveLength(wanted - 1);
    expect(matchTensors(tied, changed({ "language_model.lm_head.weight": undefined }))).toHaveLength(wanted - 1);
  });

  it("SigLIP's pooling head", () => {
    const head = "model.vision_tower.vision_model.head.";
    const names = [
      "probe",
      "attention.in_proj_weight",
      "attention.out_proj.bias",
      "layernorm.weight",
      "mlp.fc1.weight",
    ];
    const tensors = entries(siglipShapes, LAYOUTS["transformers v5"]);
    const count = matchTensors(siglip, tensors).length;
    for (const [name, entry] of entries(names.map((name) => [head + name, [8]]))) tensors.set(name, entry);
    expect(matchTensors(siglip, tensors)).toHaveLength(count);
  });
});

describe("refused, with the tensor and what was expected", () => {
  function refusal(config: ModelConfig, tensors: ReadonlyMap<string, TensorEntry>): string {
    try {
      matchTensors(config, tensors);
    } catch (error) {
      expect(error).toBeInstanceOf(FoveaError);
      expect((error as FoveaError).code).toBe("bad-weights");
      return (error as FoveaError).message;
    }
    throw new Error("not refused");
  }

  const decoder = "language_model.model.";
  const vision = "vision_tower.vision_model.";
  it.each<[string, Record<string, number[] | undefined>, RegExp]>([
    [
      "a missing layer norm",
      { [`${decoder}layers.1.input_layernorm.weight`]: undefined },
      /missing: "language_model\.model\.layers\.1\.input_layernorm\.weight" of shape \[16\]/,
    ],
    [
      "a missing part of a fused tensor",
      { [`${decoder}layers.0.mlp.up_proj.weight`]: undefined },
      /missing: "language_model\.model\.layers\.0\.mlp\.up_proj\.weight" of shape \[24, 16\]/,
    ],
    [
      "a missing head",
      { "language_model.lm_head.weight": undefined },
      /missing: "language_model\.lm_head\.weight" of shape \[30, 16\]/,
    ],
    [
      "a missing class token",
      { [`${vision}embeddings.class_embedding`]: undefined },
      /missing: ".*class_embedding" of shape \[8\]/,
    ],
    [
      "a missing projector bias",
      { "multi_modal_projector.linear_2.bias": undefined },
      /missing: "multi_modal_projector\.linear_2\.bias"/,
    ],
    [
      "too few rows of vocabulary",
      { [`${decoder}embed_tokens.weight`]: [29, 16] },
      /embed_tokens\.weight" in model\.safetensors is \[29, 16\], expected \[30, 16\]/,
    ],
    [
      "a padded head only",
      { "language_model.lm_head.weight": [64, 16] },
      /lm_head\.weight" in model\.safetensors is \[64, 16\], expected \[30, 16\]/,
    ],
    [
      "a transposed matrix",
      { [`${decoder}layers.0.mlp.gate_proj.weight`]: [16, 24] },
      /gate_proj\.weight" .* is \[16, 24\], expected \[24, 16\]/,
    ],
    [
      "positions of another picture size",
      { [`${vision}embeddings.position_embedding.weight`]: [17, 8] },
      /position_embedding\.weight" .* is \[17, 8\], expected \[10, 8\]/,
    ],
    [
      "a patch matrix already flat",
      { [`${vision}embeddings.patch_embedding.weight`]: [8, 48] },
      /patch_embedding\.weight" .* is \[8, 48\], expected \[8, 3, 4, 4\]/,
    ],
    ["a scalar", { [`${decoder}norm.weight`]: [] }, /norm\.weight" .* is \[\], expected \[16\]/],
    ["a dimension of 0", { [`${decoder}norm.weight`]: [0] }, /norm\.weight" .* is \[0\], expected \[16\]/],
    [
      "a dimension of 1 behind",
      { [`${decoder}norm.weight`]: [16, 1] },
      /norm\.weight" .* is \[16, 1\], expected \[16\]/,
    ],
    [
      "a slip of the pen",
      { [`${decoder}layers.0.mlp.upp_proj.weight`]: [24, 16] },
      /unknown: ".*upp_proj\.weight" in model\.safetensors \(like "language_model\.model\.layers\.0\.mlp\.up_proj\.weight"\)/,
    ],
    [
      "an adapter",
      { "base_model.lora_A.weight": [8, 16] },
      /unknown: "base_model\.lora_A\.weight" in model\.safetensors\. Check/,
    ],
    [
      "a layer behind the last",
      { [`${decoder}layers.2.input_layernorm.weight`]: [16] },
      /unknown: ".*layers\.2\.input_layernorm\.weight"/,
    ],
    [
      "a block that the config does not count",
      { [`${vision}encoder.layers.3.layer_norm1.bias`]: [8] },
      /unknown: ".*encoder\.layers\.3\.layer_norm1\.bias"/,
    ],
    [
      "a block without a number",
      { [`${vision}encoder.layers.x.layer_norm1.bias`]: [8] },
      /unknown: ".*encoder\.layers\.x\.layer_norm1\.bias"/,
    ],
    ["a Qwen2 bias in a Llama", { [`${decoder}layers.0.self_attn.q_proj.bias`]: [16] }, /unknown: ".*q_proj\.bias"/],
    [
      "SigLIP's patch bias in a CLIP",
      { [`${vision}embeddings.patch_embedding.bias`]: [8] },
      /unknown: ".*patch_embedding\.bias"/,
    ],
    ["a tensor without a name", { "": [3] }, /unknown: "" in model\.safetensors/],
    ["a name of Object.prototype", { constructor: [3] }, /unknown: "constructor"/],
    [
      "a lookalike of an ignored name",
      { "model.image_newline.weight": [3] },
      /unknown: "model\.image_newline\.weight"/,
    ],
    [
      "one tensor in two layouts",
      { "model.norm.weight": [16] },
      /two names: "language_model\.model\.norm\.weight" and "model\.norm\.weight"/,
    ],
    [
      "the head in two layouts",
      { "lm_head.weight": [30, 16] },
      /two names: "language_model\.lm_head\.weight" and "lm_head\.weight"/,
    ],
    [
      "an encoder tensor with and without its level",
      { "vision_tower.pre_layrnorm.bias": [8] },
      /two names: "vision_tower\.vision_model\.pre_layrnorm\.bias" and "vision_tower\.pre_layrnorm\.bias"/,
    ],
  ])("%s", (_, changes, message) => {
    expect(refusal(clip, changed(changes))).toMatch(message);
  });

  it.each(["I8", "U8", "F8_E4M3", "F64", "I32"] as const)("a wanted tensor of %s", (dtype) => {
    const tensors = entries(smallShapes);
    const name = `${decoder}layers.1.self_attn.o_proj.weight`;
    tensors.set(name, { ...tensors.get(name)!, dtype });
    expect(refusal(clip, tensors)).toContain(`"${name}" in model.safetensors is ${dtype}, expected F32, F16 or BF16`);
  });

  it("an empty checkpoint, an encoder of another family, a decoder of another kind", () => {
    expect(refusal(clip, new Map())).toMatch(/missing: .*class_embedding.*, and \d+ more/);
    expect(refusal(siglip, entries(smallShapes))).toMatch(/missing: .*unknown: /);
    const llama = parseConfig({ ...small.text_config });
    expect(refusal(llama, entries(smallShapes))).toMatch(/missing: "model\.embed_tokens\.weight"/);
  });

  it("names a missing tensor as this file's layout would", () => {
    for (const rename of Object.values(LAYOUTS)) {
      const name = `${decoder}layers.1.mlp.down_proj.weight`;
      const tensors = entries(smallShapes, rename);
      tensors.delete(rename(name));
      expect(refusal(clip, tensors)).toContain(`missing: ${JSON.stringify(rename(name))} of shape [16, 24]`);
    }
  });

  it("reports every kind at once, a few of each, cut to a readable length", () => {
    const strangers = Array.from({ length: 1000 }, (_, i) => [`${"x".repeat(5000)}${i}`, [1]] as const);
    const tensors = changed({
      [`${decoder}norm.weight`]: [3],
      "lm_head.weight": [30, 16],
      ...Object.fromEntries(strangers),
    });
    const message = refusal(clip, tensors);
    expect(message).toMatch(/two names: .*another shape: .*unknown: .*, and 997 more/);
    expect(message.length).toBeLessThan(1500);
  });
});
