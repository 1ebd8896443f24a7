/**
 * The shape of a model, read from an untrusted config.json: every number checked, every omitted one filled in.
 * It knows neither tensors nor their names (names.ts) nor preprocessing (preprocessor_config.json).
 */
import { FoveaError } from "../errors.ts";
import type { Activation } from "../kernels/activation.ts";

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
  /** Tokens that a context may hold. */
  maxPositions: number;
  /** Whether the embedding table is also the head. */
  tiedHead: boolean;
  qkvBias: boolean;
  bosId?: number;
  /** Ids that end an answer, as config.json has them; generation_config.json may know more. */
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
  /** llava: the id that stands for an image in a prompt. */
  imageTokenId?: number;
  /** Whether features keep the class token (`vision_feature_select_strategy` "full", and there is one). */
  keepClassToken: boolean;
  /** vit: label of each class, "class N" where config.json has none. */
  classes?: string[];
}

/**
 * Reads a config.json.
 *
 * @param json the parsed file, from outside
 * @throws FoveaError `unsupported-model`, naming the field, its value and what is supported
 */
export function parseConfig(json: unknown): ModelConfig {
  throw new FoveaError("unsupported-model", `config.json: reading is being written (got ${typeof json})`);
}
