/** The parts that the LLaVA layouts share: encoder, two-layer connector and decoder, and the names of their tensors. */
import type { ConnectorStep, EncoderSpec, ModelSpec } from "../../spec/model-spec.ts";
import type { PictureSpec } from "../../spec/picture-spec.ts";
import type { PromptFormat } from "../../spec/prompt-spec.ts";
import { linear, stack } from "../../spec/tensor-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { HIDDEN_ACTIVATIONS } from "./activations.ts";
import { type DecoderKind, LLAMA_DECODER, MAX_TOKEN_ID, QWEN2_DECODER, readDecoder } from "./decoder-config.ts";
import { decoderTensors, isComputed } from "./decoder-tensors.ts";
import { CLIP_ENCODER, readEncoder, SIGLIP_ENCODER } from "./encoder-config.ts";
import { CLIP_NAMES, encoderTensors, isUnusedInEncoder } from "./encoder-tensors.ts";
import { CLIP_PICTURES, SIGLIP_PICTURES, type SquareKind } from "./square-pictures.ts";

/** LlavaConfig's default vision_config. */
export const CLIP_LARGE_336 = {
  model_type: "clip_vision_model",
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  image_size: 336,
  patch_size: 14,
} as const;

const ENCODERS = {
  clip_vision_model: { encoder: CLIP_ENCODER, pictures: CLIP_PICTURES },
  siglip_vision_model: { encoder: SIGLIP_ENCODER, pictures: SIGLIP_PICTURES },
};
const DECODERS = { llama: LLAMA_DECODER, qwen2: QWEN2_DECODER };

// Layouts: Hugging Face's port as on the hub, the same since transformers v5, the original code; a bare LlavaModel.
const DECODER_NAMES = {
  prefixes: ["language_model.model.", "model.language_model.", "model.", "language_model."],
  head: ["language_model.lm_head.weight", "lm_head.weight"],
};
const ENCODER_PREFIXES = ["vision_tower.", "model.vision_tower.", "model.vision_tower.vision_tower."].flatMap(
  (prefix) => [`${prefix}vision_model.`, prefix],
);
/** Names of the connector's linear layers, in order. */
const LAYERS = [
  ["multi_modal_projector.linear_1", "model.multi_modal_projector.linear_1", "model.mm_projector.0"],
  ["multi_modal_projector.linear_2", "model.multi_modal_projector.linear_2", "model.mm_projector.2"],
];

/** LLaVA-1.5's conversation "vicuna_v1". */
export const VICUNA: PromptFormat = {
  system:
    "A chat between a curious user and an artificial intelligence assistant. " +
    "The assistant gives helpful, detailed, and polite answers to the user's questions.",
  user: "USER: ",
  answer: "ASSISTANT:",
};

/** The encoder of a LLaVA, in the terms of its image processor. */
export interface Tower {
  encoder: EncoderSpec;
  /** Side of a view, in pixels. */
  imageSize: number;
  kind: SquareKind;
}

/** The differences of a family from others of LLaVA's shape. */
export interface LlavaLayout {
  family: string;
  readPictures(tower: Tower): PictureSpec;
  /** Kinds of decoders besides Llama and Qwen2, by `model_type`. */
  decoders?: Readonly<Record<string, DecoderKind>>;
  /** Names of the connector's linear layers, in order, with an activation between them; default LLaVA's two. */
  layers?: readonly (readonly string[])[];
  /** Names of the learned row that pictures need. */
  learned?: { names: readonly string[] };
  /** See `ModelSpec`. */
  publishedImageId?: number;
  /** "optional" ties the head if a file has none. */
  head?: "optional";
  fallbackPrompt?: PromptFormat;
}

/**
 * Describes a model by the fields of LlavaConfig.
 *
 * @throws FoveaError `unsupported-model`
 */
export function describeLlava(fields: ConfigFields, layout: LlavaLayout): ModelSpec {
  // Within a vision_config, the encoder's own defaults hold.
  const visionFields = fields.object("vision_config") ?? fields.with(CLIP_LARGE_336);
  const kind = visionFields.choice("model_type", "clip_vision_model", ENCODERS);
  const { imageSize, ...tower } = readEncoder(visionFields, kind.encoder);
  const textFields = fields.objectOrEmpty("text_config");
  const kinds = { ...DECODERS, ...layout.decoders };
  const { decoder, tied, files } = readDecoder(textFields, textFields.choice("model_type", "llama", kinds));
  const strategy = fields.choice("vision_feature_select_strategy", "default", { default: "default", full: "full" });
  // Hugging Face would drop the first patch here, which no checkpoint intends.
  if (strategy === "default" && !tower.classToken)
    throw fields.unsupported("vision_feature_select_strategy", `"full" for an encoder without a class token`);
  const encoder: EncoderSpec = {
    ...tower,
    runBlocks: readRunBlocks(fields, tower.blocks),
    postNorm: false,
    keepClassToken: strategy === "full" && tower.classToken,
    cell: 1,
  };
  if (layout.learned && encoder.keepClassToken)
    throw fields.unsupported("vision_feature_select_strategy", `"default" for a model that reads pictures in tiles`);
  const activation = fields.choice("projector_hidden_act", "gelu", HIDDEN_ACTIVATIONS);
  const { family, layers = LAYERS, learned, fallbackPrompt, publishedImageId } = layout;
  const connector = layers.map((_, i): ConnectorStep => {
    const isLast = i + 1 === layers.length;
    return { op: "linear", slot: `connector.${i + 1}`, width: decoder.width, activation: isLast ? "none" : activation };
  });
  const bias = fields.boolean("multimodal_projector_bias", true);
  // The flag may be on either level.
  const isTied = tied || fields.boolean("tie_word_embeddings", false);
  return {
    family,
    pictures: layout.readPictures({ encoder, imageSize, kind: kind.pictures }),
    encoder,
    connector,
    decoder,
    imageTokenId: readImageTokenId(fields),
    ...(publishedImageId !== undefined && { publishedImageId }),
    tensors: [
      ...encoderTensors(encoder, CLIP_NAMES, ENCODER_PREFIXES),
      ...layers.flatMap((names, i) =>
        linear(`connector.${i + 1}`, names, [["", decoder.width]], {
          cols: i === 0 ? encoder.width : decoder.width,
          bias,
        }),
      ),
      ...(learned ? [stack("connector.learned", "table", learned.names, [["", [1, decoder.width]]])] : []),
      ...decoderTensors(decoder, DECODER_NAMES, isTied ? "tied" : (layout.head ?? "own"), files),
    ],
    ignores: (name) =>
      isComputed(name) ||
      // The separator of rows of tiles, in models that run without tiles.
      (!learned && /(^|\.)image_newline$/.test(name)) ||
      isUnusedInEncoder(encoder, CLIP_NAMES, ENCODER_PREFIXES, name),
    ...(fallbackPrompt && { fallbackPrompt }),
  };
}

/** The number of blocks up to the feature layer. -1 is the last hidden state; hidden state 0 would be the embeddings. */
function readRunBlocks(fields: ConfigFields, blocks: number): number {
  const name = "vision_feature_layer";
  const layer = fields.value(name) ?? -2;
  if (typeof layer !== "number" || !Number.isInteger(layer) || layer === 0 || Math.abs(layer) > blocks)
    throw fields.unsupported(name, `one layer, from 1 to ${blocks} or from -1 to -${blocks}`);
  return layer > 0 ? layer : blocks + 1 + layer;
}

function readImageTokenId(fields: ConfigFields): number {
  const index = fields.integer("image_token_index", undefined, 0, MAX_TOKEN_ID);
  const id = fields.integer("image_token_id", index ?? 32000, 0, MAX_TOKEN_ID);
  if (index !== undefined && index !== id)
    throw fields.unsupported("image_token_id", `the same as image_token_index, which is ${index}`);
  return id;
}
