/**
 * The shape of a model, read from an untrusted config.json: every number checked, every omitted one filled in.
 * It knows neither tensors nor their names (names.ts) nor preprocessing (preprocessor_config.json).
 */
import type { Activation } from "../kernels/activation.ts";
import { MAX_TOKEN_ID, readDecoder } from "./config-decoder.ts";
import { ConfigFields } from "./config-fields.ts";
import { fromOriginalLlava, isOriginalLlava } from "./config-original.ts";
import { CLIP_LARGE_336, HIDDEN_ACTIVATIONS, readVision } from "./config-vision.ts";

/** An image encoder. `width` C, `heads` of C / heads each; the grid has floor(imageSize / patchSize)^2 patches. */
export interface VisionConfig {
  family: "clip" | "siglip" | "vit";
  width: number;
  mlpWidth: number;
  /** Blocks in the file. */
  blocks: number;
  /** Blocks that are run, from the first: by `vision_feature_layer`; all of them for a ViT. */
  runBlocks: number;
  heads: number;
  /** Pixels of a side of the square picture. */
  imageSize: number;
  /** Pixels of a side of the square patch. */
  patchSize: number;
  activation: Activation;
  /** Epsilon of every LayerNorm. */
  eps: number;
  /** Whether row 0 is a class token. */
  classToken: boolean;
  /** CLIP's `pre_layrnorm` between embeddings and blocks. */
  preNorm: boolean;
  patchBias: boolean;
  qkvBias: boolean;
}

/** A Llama or Qwen2 decoder; query heads are served in groups of heads / keyHeads by one key head. */
export interface DecoderConfig {
  family: "llama" | "qwen2";
  width: number;
  mlpWidth: number;
  layers: number;
  heads: number;
  keyHeads: number;
  /** Width D of one head; heads * D need not be `width`. */
  headWidth: number;
  /** Rows of the embedding table; may exceed the tokenizer's vocabulary. */
  vocabularySize: number;
  /** Epsilon of every RMSNorm. */
  eps: number;
  ropeTheta: number;
  /** With positions on several axes (M-RoPE): the axis by which each pair of channels turns. */
  axisOfPair?: readonly number[]; // [headWidth / 2]
  /** Tokens that a context may hold. */
  maxPositions: number;
  /** Whether the embedding table is also the head. */
  tiedHead: boolean;
  qkvBias: boolean;
  bosId?: number;
  /** Ids that end an answer, as the decoder's config has them; generation_config.json may know more. */
  eosIds: number[];
}

/** LLaVA's projector: linear from `inputWidth` to `width`, activation, linear from `width` to `width`. */
export interface ProjectorConfig {
  inputWidth: number;
  width: number;
  activation: Activation;
  bias: boolean;
}

/** A whole checkpoint; llava has vision, projector and decoder, llama and qwen2 the decoder, vit the encoder and classes. */
export interface ModelConfig {
  modelType: "llava" | "llama" | "qwen2" | "vit";
  vision?: VisionConfig;
  projector?: ProjectorConfig;
  decoder?: DecoderConfig;
  /** llava: the id that stands for an image in a prompt; may lie behind the vocabulary, and is never embedded. */
  imageTokenId?: number;
  /** Whether features keep the class token: a ViT's do, a LLaVA's with `vision_feature_select_strategy` "full". */
  keepClassToken: boolean;
  /** vit with a classifier: label of each class, "class N" where config.json has none. */
  classes?: string[];
}

const FILE = "config.json";
const MAX_CLASSES = 1 << 17;

/**
 * Reads a config.json: of a LLaVA (Hugging Face's layout or the original one), a Llama, a Qwen2 or a ViT classifier.
 *
 * @param json the parsed file, from outside
 * @throws FoveaError `unsupported-model`, naming the field, its value and what is supported
 */
export function parseConfig(json: unknown): ModelConfig {
  const fields = ConfigFields.of(json, FILE);
  refuseQuantised(fields);
  if (isOriginalLlava(fields))
    return readLlava(ConfigFields.of(fromOriginalLlava(fields), `${FILE}, rewritten as Hugging Face's`));
  const read = fields.choice("model_type", "missing", {
    llava: readLlava,
    llama: readText,
    qwen2: readText,
    vit: readVit,
  });
  return read(fields);
}

/** Weights that another engine has packed; "quantization" is MLX's name for it. */
function refuseQuantised(fields: ConfigFields): void {
  for (const name of ["quantization_config", "quantization"])
    if (fields.has(name))
      throw fields.unsupported(name, "no such field; load the unquantised checkpoint, Fovea quantises it by itself");
}

function readText(fields: ConfigFields): ModelConfig {
  const modelType = fields.choice("model_type", "missing", { llama: "llama", qwen2: "qwen2" } as const);
  return { modelType, decoder: readDecoder(fields, modelType), keepClassToken: false };
}

/** LlavaConfig. */
function readLlava(fields: ConfigFields): ModelConfig {
  const vision = readLlavaVision(fields);
  const decoder: DecoderConfig = readLlavaDecoder(fields);
  const strategy = fields.choice("vision_feature_select_strategy", "default", { default: "default", full: "full" });
  // Hugging Face would drop the first patch here, which no checkpoint is meant to lose.
  if (strategy === "default" && !vision.classToken)
    throw fields.unsupported("vision_feature_select_strategy", `"full" for an encoder without a class token`);
  return {
    modelType: "llava",
    vision,
    projector: {
      inputWidth: vision.width,
      width: decoder.width,
      activation: fields.choice("projector_hidden_act", "gelu", HIDDEN_ACTIVATIONS),
      bias: fields.boolean("multimodal_projector_bias", true),
    },
    decoder,
    imageTokenId: readImageTokenId(fields),
    keepClassToken: strategy === "full" && vision.classToken,
  };
}

function readLlavaVision(fields: ConfigFields): VisionConfig {
  // Without a vision_config, LlavaConfig means CLIP ViT-L/14-336; within one, the encoder's own defaults hold.
  const child = fields.object("vision_config") ?? ConfigFields.of(CLIP_LARGE_336, FILE);
  refuseQuantised(child);
  const family = child.choice("model_type", "clip_vision_model", {
    clip_vision_model: "clip",
    siglip_vision_model: "siglip",
  } as const);
  const vision = readVision(child, family);
  return { ...vision, runBlocks: readRunBlocks(fields, vision.blocks) };
}

/** Blocks behind which the features are read. -1 is behind the last; hidden state 0 would be the embeddings. */
function readRunBlocks(fields: ConfigFields, blocks: number): number {
  const name = "vision_feature_layer";
  const layer = fields.value(name) ?? -2;
  if (typeof layer !== "number" || !Number.isInteger(layer) || layer === 0 || Math.abs(layer) > blocks)
    throw fields.unsupported(name, `one layer, from 1 to ${blocks} or from -1 to -${blocks}`);
  return layer > 0 ? layer : blocks + 1 + layer;
}

function readLlavaDecoder(fields: ConfigFields): DecoderConfig {
  const child = fields.objectOrEmpty("text_config");
  refuseQuantised(child);
  const decoder = readDecoder(child, child.choice("model_type", "llama", { llama: "llama", qwen2: "qwen2" } as const));
  // The flag may stand on either level.
  return { ...decoder, tiedHead: decoder.tiedHead || fields.boolean("tie_word_embeddings", false) };
}

function readImageTokenId(fields: ConfigFields): number {
  const index = fields.integer("image_token_index", undefined, 0, MAX_TOKEN_ID);
  const id = fields.integer("image_token_id", index ?? 32000, 0, MAX_TOKEN_ID);
  if (index !== undefined && index !== id)
    throw fields.unsupported("image_token_id", `the same as image_token_index, which is ${index}`);
  return id;
}

/** ViTConfig. */
function readVit(fields: ConfigFields): ModelConfig {
  const vision = readVision(fields, "vit");
  const classes = hasClassifier(fields) ? readClasses(fields) : [];
  return {
    modelType: "vit",
    vision: { ...vision, runBlocks: vision.blocks },
    keepClassToken: true,
    ...(classes.length > 0 ? { classes } : {}),
  };
}

function hasClassifier(fields: ConfigFields): boolean {
  const known = ["ViTForImageClassification", "ViTModel"];
  const architectures = fields.texts("architectures");
  if (!architectures.every((name) => known.includes(name)))
    throw fields.unsupported("architectures", `${known.join(" or ")} for model_type vit`);
  if (architectures.length > 0) return architectures.includes(known[0]!);
  return fields.has("id2label") || fields.has("num_labels");
}

/** Labels by class; as many as `id2label` has entries, else `num_labels`, else the 2 of the config class. */
function readClasses(fields: ConfigFields): string[] {
  const labels = fields.object("id2label");
  const entries = labels?.entries() ?? [];
  if (entries.length > MAX_CLASSES) throw fields.unsupported("id2label", `at most ${MAX_CLASSES} classes`);
  const count = labels ? entries.length : fields.integer("num_labels", 2, 0, MAX_CLASSES);
  const classes = Array.from({ length: count }, (_, i) => `class ${i}`);
  for (const [key, label] of entries) {
    if (typeof label !== "string" || !/^\d+$/.test(key)) throw labels!.unsupported(key, "a class number and its label");
    if (Number(key) < count) classes[Number(key)] = label;
  }
  return classes;
}
