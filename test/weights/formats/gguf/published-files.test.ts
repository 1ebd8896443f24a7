/** What published files have that the golden ones lack: keys, tensors and tokens, one test each. */
import { expect, test } from "vitest";
import { readModel } from "../../../../src/engine/read-model.ts";
import { Tokenizer } from "../../../../src/text/tokenizer.ts";
import { memorySource } from "../../../../src/weights/byte-source.ts";
import { openFolder } from "../../../../src/weights/folder.ts";
import { readGguf } from "../../../../src/weights/formats/gguf/container.ts";
import { splitRule } from "../../../../src/weights/formats/gguf/split-rules.ts";
import { describeTokenizer } from "../../../../src/weights/formats/gguf/tokenizer.ts";
import { readRows } from "../../../../src/weights/formats/read-rows.ts";
import { openModel } from "../../../../src/weights/formats/registry.ts";
import ministral from "../../../families/mistral3/Ministral-3-3B-Instruct-2512-BF16/config.json" with { type: "json" };
import { describeModel } from "../../../support/describe-model.ts";
import { expectSpec } from "../../../support/expect-spec.ts";
import { type GgufTensorInput, type GgufValue, writeGguf } from "../../../support/gguf-file.ts";
import blocks from "./blocks.json" with { type: "json" };

const Q8_0 = 8;

function open(metadata: Record<string, GgufValue>, tensors: Record<string, GgufTensorInput>) {
  return openModel(openFolder({ "tiny.gguf": writeGguf(metadata, tensors) }), {});
}

const keysOf = (architecture: string, keys: Record<string, GgufValue>) => ({
  "general.architecture": architecture,
  ...Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${architecture}.${key}`, value])),
});

const LLAMA = keysOf("llama", {
  block_count: 1,
  context_length: 64,
  embedding_length: 256,
  feed_forward_length: 256,
  "attention.head_count": 2,
  "attention.layer_norm_rms_epsilon": 1e-5,
});

const GEMMA = Object.fromEntries(
  Object.entries(LLAMA).map(([key, value]) => [key.replace(/^llama/, "gemma3"), value === "llama" ? "gemma3" : value]),
);

const table = (rows: number, columns: number) => ({
  shape: [rows, columns],
  bytes: new Uint8Array(4 * rows * columns),
});

test("a norm of packed values is read as numbers", async () => {
  const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
  const bytes = bytesOf(blocks.Q8_0.bytes);
  const expected = new Float32Array(bytesOf(blocks.Q8_0.values).buffer);
  const norm = { shape: [expected.length], type: Q8_0, bytes };
  const model = await open(LLAMA, { "token_embd.weight": table(2, 256), "output_norm.weight": norm });
  const checkpoint = await model.checkpoint({}, {});
  const rows: Float32Array[] = [];
  for await (const values of readRows(checkpoint, checkpoint.tensors.get("model.norm.weight")!, {})) rows.push(values);
  expect(rows).toHaveLength(1);
  expect([...rows[0]!]).toEqual([...expected]);
});

test("a norm that is packed with 1 added is read without it", async () => {
  const { bytes, values } = blocks.Q8_0;
  const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
  const expected = new Float32Array(bytesOf(values).buffer);
  const norm = { shape: [expected.length], type: Q8_0, bytes: bytesOf(bytes) };
  const keys = { ...GEMMA, "gemma3.attention.key_length": 128 };
  const model = await open(keys, { "token_embd.weight": table(2, 256), "output_norm.weight": norm });
  const checkpoint = await model.checkpoint({}, {});
  for await (const rows of readRows(checkpoint, checkpoint.tensors.get("model.norm.weight")!, {}))
    expect([...rows]).toEqual([...expected].map((value) => Math.fround(value - 1)));
});

test("Mistral 3 with YaRN comes to the decoder of its own config.json", async () => {
  const text = ministral.text_config;
  const rope = text.rope_parameters;
  const model = await open(
    keysOf("mistral3", {
      block_count: text.num_hidden_layers,
      context_length: text.max_position_embeddings,
      embedding_length: text.hidden_size,
      feed_forward_length: text.intermediate_size,
      "attention.head_count": text.num_attention_heads,
      "attention.head_count_kv": text.num_key_value_heads,
      "attention.key_length": text.head_dim,
      "attention.value_length": text.head_dim,
      "attention.layer_norm_rms_epsilon": text.rms_norm_eps,
      "attention.temperature_scale": rope.llama_4_scaling_beta,
      "rope.dimension_count": text.head_dim,
      "rope.freq_base": rope.rope_theta,
      "rope.scaling.type": "yarn",
      "rope.scaling.factor": rope.factor,
      "rope.scaling.original_context_length": rope.original_max_position_embeddings,
      "rope.scaling.yarn_beta_fast": rope.beta_fast,
      "rope.scaling.yarn_beta_slow": rope.beta_slow,
      "rope.scaling.yarn_log_multiplier": rope.mscale_all_dim,
    }),
    { "token_embd.weight": table(3, text.hidden_size) },
  );
  const { spec } = await readModel(model.folder, {});
  const { decoder } = describeModel({ "config.json": { ...text, vocab_size: 3 } });
  // Queries grow beyond the original context.
  const growth = { length: rope.original_max_position_embeddings, rate: Math.fround(rope.llama_4_scaling_beta) };
  expect(spec.decoder!.rope.growth).toEqual(growth);
  expect(spec.decoder!.maxPositions).toBe(text.max_position_embeddings);
  expectSpec({ ...spec.decoder, bosId: 0, eosIds: [] }, { ...decoder, bosId: 0, eosIds: [] });
});

// As the converter writes LLaVA-1.5: block_count counts the blocks that it keeps, the encoder's but for the last.
const CLIP = keysOf("clip", {
  has_vision_encoder: true,
  projector_type: "mlp",
  "vision.block_count": 23,
  "vision.embedding_length": 1024,
  "vision.feed_forward_length": 4096,
  "vision.attention.head_count": 16,
  "vision.attention.layer_norm_epsilon": 1e-5,
  "vision.image_size": 336,
  "vision.patch_size": 14,
});

test.each<[string, Record<string, GgufValue>, number]>([
  ["all stored blocks but the last, as llama.cpp", {}, 22],
  ["blocks up to the feature layer that a file names", { "clip.vision.feature_layer": [20] }, 20],
])("a vision file of LLaVA runs %s", async (_, keys, run) => {
  const files = {
    "tiny.gguf": writeGguf(LLAMA, { "token_embd.weight": table(2, 256) }),
    "mmproj-tiny.gguf": writeGguf(
      { ...CLIP, ...keys },
      { "v.class_embd": { shape: [1024], bytes: new Uint8Array(4096) } },
    ),
  };
  const { spec } = await readModel((await openModel(openFolder(files), {})).folder, {});
  expect(spec.encoder).toMatchObject({ blocks: 23, runBlocks: run, keepClassToken: false });
});

test("a vision file of another model is left out unless it is named", async () => {
  const vision = { ...CLIP, "clip.vision.block_count": 2 };
  const named = (rows: number) => ({
    "v.class_embd": { shape: [1024], bytes: new Uint8Array(4096) },
    "mm.2.weight": table(rows, 2),
  });
  const files = {
    "tiny.gguf": writeGguf(LLAMA, { "token_embd.weight": table(2, 256) }),
    "mmproj-F16.gguf": writeGguf(vision, named(512)),
  };
  const alone = await openModel(openFolder(files), {});
  expect((await readModel(alone.folder, {})).spec.family).toBe("llama");
  expect(alone.notes.join()).toMatch(/mmproj-F16\.gguf is left out.*rows of 512.*rows of 256.*different models/);
  const both = await openModel(openFolder({ ...files, "mmproj-Q8_0.gguf": writeGguf(vision, named(256)) }), {});
  expect((await readModel(both.folder, {})).spec.family).toBe("llava");
  expect(both.notes).toEqual([]);
  const forced = openModel({ ...openFolder(files), choice: "tiny.gguf,mmproj-F16.gguf" }, {});
  await expect(forced).rejects.toThrow(/mmproj-F16\.gguf: .*different models; name the vision file of this model/);
});

const WORDS = {
  "tokenizer.ggml.model": "gpt2",
  "tokenizer.ggml.pre": "gpt-4o",
  "tokenizer.ggml.merges": ["a b"],
};

async function metadataOf(metadata: Record<string, GgufValue>) {
  return (await readGguf(memorySource("tiny.gguf", writeGguf(metadata)))).metadata;
}

test("tokens that end an answer are control tokens, also where a file calls them words", async () => {
  const tokens = ["a", "b", "ab", "<end_of_turn>", "<|im_end|>", "</s>"];
  const types = Int32Array.from([1, 1, 1, 1, 4, 1]);
  const metadata = await metadataOf({
    ...WORDS,
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": types,
    "tokenizer.ggml.eos_token_id": 2,
  });
  const files = describeTokenizer(metadata, tokens.length);
  // "</s>" may be a plain word.
  expect([...(files["generation_config.json"].eos_token_id as number[])].sort()).toEqual([2, 3, 4]);
  const tokenizer = Tokenizer.parse(files);
  expect(tokenizer.encode("ab<end_of_turn>b", { addSpecialTokens: false })).toEqual([2, 3, 1]);
});

test("the split rule of o200k is that of published files", async () => {
  const metadata = await metadataOf({ ...WORDS, "tokenizer.ggml.tokens": ["a"] });
  // From tokenizer.json of Phi-4-mini-instruct.
  const published =
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  expect(splitRule(metadata).steps[0]).toMatchObject({ type: "Split", pattern: { Regex: published } });
});
