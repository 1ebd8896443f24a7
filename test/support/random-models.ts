/**
 * Small models with random weights, as files: a language model and a classifier. Their answers mean nothing, but depend
 * on every weight, and test/reference computes the right ones.
 */
import { expect } from "vitest";
import { greedy, textPrompt } from "../reference/model/decoder.ts";
import { classify, encodeImage } from "../reference/model/vision.ts";
import { readCheckpoint } from "../reference/model/weights.ts";
import { normalize } from "../reference/normalize.ts";
import { safetensorsFile, type TensorSpec } from "../weights/safetensors-file.ts";
import { Random } from "./random.ts";
import { tokenizerJson } from "./synthetic/tokenizer.ts";

export type Files = Record<string, Uint8Array<ArrayBuffer>>;

/** Five tokens: BOS, and a token a word. */
export const QUESTION = "Once upon a time";
/** Ids from here on are tokens "nN "; those before are special, bytes and the words of the question, and never an answer. */
const FIRST_ANSWER_ID = 275;

const LANGUAGE = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 5,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  vocab_size: 512,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
};

const CLASSIFIER = {
  architectures: ["ViTForImageClassification"],
  model_type: "vit",
  hidden_act: "gelu",
  hidden_size: 48,
  intermediate_size: 96,
  num_hidden_layers: 6,
  num_attention_heads: 3,
  image_size: 32,
  patch_size: 4,
  num_channels: 3,
  qkv_bias: true,
  layer_norm_eps: 1e-6,
  id2label: Object.fromEntries(Array.from({ length: 10 }, (_, id) => [String(id), `kind ${id}`])),
};
/** Side of the pictures that the classifier reads without resizing them. */
export const CLASSIFIER_SIDE = CLASSIFIER.image_size;
/** Tokens of such a picture, the class token among them. */
export const CLASSIFIER_TOKENS = (CLASSIFIER.image_size / CLASSIFIER.patch_size) ** 2 + 1;
export const CLASSIFIER_BLOCKS = CLASSIFIER.num_hidden_layers;
const HALF = [0.5, 0.5, 0.5];
const SEEDS = { language: 11, classifier: 12 };

const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));

/** A file whose tensors begin at a multiple of 8 bytes, as Hugging Face's library writes them. */
function alignedFile(tensors: TensorSpec[]): Uint8Array<ArrayBuffer> {
  const headerBytes = Number(new DataView(safetensorsFile(tensors).buffer).getBigUint64(0, true));
  return safetensorsFile(tensors, -headerBytes & 7);
}

/**
 * Random f32 tensors of these shapes, in the order of their names. Matrices and tables about keep the length of a row,
 * biases are 0.1, weights of norms around 1.
 */
function randomTensors(seed: number, shapes: Record<string, number[]>, scaleOf = (_name: string, _row: number) => 1) {
  const random = new Random(seed);
  return Object.entries(shapes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, shape]) => {
      const size = shape.reduce((product, dimension) => product * dimension, 1);
      // A convolution's kernel is one row; a table of embeddings has a dimension of 1 in front.
      const inner = shape.length === 3 ? shape[2]! : size / shape[0]!;
      const values = random.floats(size, shape.length === 1 ? 0.1 : 1 / Math.sqrt(inner));
      for (const i of values.keys()) {
        if (/norm\w*\.weight$/.test(name)) values[i] = 1 + values[i]!;
        values[i] = values[i]! * scaleOf(name, Math.floor(i / inner));
      }
      return { name, dtype: "F32", shape, bytes: new Uint8Array(values.buffer) };
    });
}

function languageWeights(vocabulary: number): Uint8Array<ArrayBuffer> {
  const { hidden_size: width, intermediate_size: mlp } = LANGUAGE;
  const keys = (width / LANGUAGE.num_attention_heads) * LANGUAGE.num_key_value_heads;
  const shapes: Record<string, number[]> = {
    "model.embed_tokens.weight": [vocabulary, width],
    "model.norm.weight": [width],
  };
  for (let layer = 0; layer < LANGUAGE.num_hidden_layers; layer++)
    for (const [name, shape] of Object.entries({
      "self_attn.q_proj": [width, width],
      "self_attn.k_proj": [keys, width],
      "self_attn.v_proj": [keys, width],
      "self_attn.o_proj": [width, width],
      "mlp.gate_proj": [mlp, width],
      "mlp.up_proj": [mlp, width],
      "mlp.down_proj": [width, mlp],
      input_layernorm: [width],
      post_attention_layernorm: [width],
    }))
      shapes[`model.layers.${layer}.${name}.weight`] = shape;
  const tensors = randomTensors(SEEDS.language, shapes, (name, row) => {
    // The head is tied: rows that are short have small logits, and are never the largest.
    if (name === "model.embed_tokens.weight") return row < FIRST_ANSWER_ID ? 0.1 : 1;
    // Sharp attention, and layers that outweigh the embedding: an answer that does not go round in circles.
    return name.includes("norm") ? 1 : 2;
  });
  return alignedFile(tensors);
}

function languageTokenizer(size: number): Uint8Array<ArrayBuffer> {
  const special = { "<unk>": 0, "<s>": 1, "</s>": 2 };
  const shape = { size, special, words: `${QUESTION} ${QUESTION}` };
  return new TextEncoder().encode(tokenizerJson(shape));
}

/**
 * A Llama with grouped queries and a tied head. It answers by tokens "nN " and never ends by itself.
 *
 * @param vocabulary more than the usual makes another model and a larger file, by 256 bytes a token
 */
export function languageFiles(vocabulary = LANGUAGE.vocab_size): Files {
  return {
    "config.json": json({ ...LANGUAGE, vocab_size: vocabulary }),
    "model.safetensors": languageWeights(vocabulary),
    "tokenizer.json": languageTokenizer(vocabulary),
    "tokenizer_config.json": json({ bos_token: "<s>", eos_token: "</s>" }),
  };
}

/** A tokenizer whose words have ids beyond the language model's vocabulary. */
export function foreignTokenizer(): Uint8Array<ArrayBuffer> {
  const { model, ...rest } = JSON.parse(new TextDecoder().decode(languageTokenizer(LANGUAGE.vocab_size)));
  const vocab = Object.fromEntries(
    Object.entries<number>(model.vocab).map(([token, id]) => [token, id < 3 ? id : id + LANGUAGE.vocab_size]),
  );
  return json({ ...rest, model: { ...model, vocab } });
}

/** The language model's greedy tokens after these ids, by the reference. */
export function referenceGreedy(inputIds: readonly number[], steps: number): number[] {
  const weights = readCheckpoint([languageWeights(LANGUAGE.vocab_size)]);
  return greedy(textPrompt(inputIds, LANGUAGE, weights), steps, LANGUAGE, weights).ids;
}

/** The answer to `QUESTION`, so many tokens of it. */
export function referenceAnswer(tokens: number): string {
  const { vocab } = JSON.parse(new TextDecoder().decode(languageTokenizer(LANGUAGE.vocab_size))).model;
  const inputIds = ["<s>", "Once", "Ġupon", "Ġa", "Ġtime"].map((token) => vocab[token] as number);
  return referenceGreedy(inputIds, tokens)
    .map((id) => `n${id} `)
    .join("");
}

let answer: string | undefined;

/** Fails unless the text begins as the reference's answer to `QUESTION`, or is its beginning. */
export function expectAnswer(text: string): void {
  answer ??= referenceAnswer(24);
  expect(text.length).toBeGreaterThan(8);
  expect(text.slice(0, answer.length)).toBe(answer.slice(0, text.length));
}

function classifierWeights(): Uint8Array<ArrayBuffer> {
  const { hidden_size: width, intermediate_size: mlp, patch_size: patch, id2label } = CLASSIFIER;
  const classes = Object.keys(id2label).length;
  const shapes: Record<string, number[]> = {
    "vit.embeddings.cls_token": [1, 1, width],
    "vit.embeddings.position_embeddings": [1, CLASSIFIER_TOKENS, width],
    "vit.embeddings.patch_embeddings.projection.weight": [width, 3, patch, patch],
    "vit.embeddings.patch_embeddings.projection.bias": [width],
    "vit.layernorm.weight": [width],
    "vit.layernorm.bias": [width],
    "classifier.weight": [classes, width],
    "classifier.bias": [classes],
  };
  for (let block = 0; block < CLASSIFIER.num_hidden_layers; block++)
    for (const [name, shape] of Object.entries({
      "attention.attention.query": [width, width],
      "attention.attention.key": [width, width],
      "attention.attention.value": [width, width],
      "attention.output.dense": [width, width],
      "intermediate.dense": [mlp, width],
      "output.dense": [width, mlp],
      layernorm_before: [width],
      layernorm_after: [width],
    })) {
      shapes[`vit.encoder.layer.${block}.${name}.weight`] = shape;
      shapes[`vit.encoder.layer.${block}.${name}.bias`] = shape.slice(0, 1);
    }
  return alignedFile(randomTensors(SEEDS.classifier, shapes));
}

/** A ViT with a class token and ten classes. */
export function classifierFiles(): Files {
  return {
    "config.json": json(CLASSIFIER),
    "model.safetensors": classifierWeights(),
    "preprocessor_config.json": json({
      image_processor_type: "ViTImageProcessor",
      do_resize: true,
      size: { height: CLASSIFIER_SIDE, width: CLASSIFIER_SIDE },
      resample: 2,
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: HALF,
      image_std: HALF,
    }),
  };
}

/**
 * The probability of each class for a picture of the classifier's own size, by the reference.
 *
 * @param rgb bytes [S, S, 3]
 * @param tokens what "vmtc" leaves of the picture's tokens; undefined: no compression
 */
export function referenceClasses(rgb: ArrayLike<number>, tokens?: number): number[] {
  const weights = readCheckpoint([classifierWeights()]);
  const { features } = encodeImage(normalize(rgb, HALF, HALF), CLASSIFIER, weights, {
    featureLayer: -1,
    keepClassToken: true,
    compression: tokens === undefined ? { method: "none" } : { method: "vmtc", tokens },
  });
  const { logits } = classify(features, CLASSIFIER, weights);
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
