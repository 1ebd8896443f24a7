/** The parts that the LLaVA layouts share: encoder, two-layer connector and decoder, and the names of their tensors. */
import type { ConnectorStep, EncoderSpec, ModelSpec, PromptFormat } from "../../spec/model-spec.ts";
import { linear } from "../../spec/tensor-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { HIDDEN_ACTIVATIONS } from "./activations.ts";
import { LLAMA_DECODER, MAX_TOKEN_ID, QWEN2_DECODER, readDecoder } from "./decoder-config.ts";
import { decoderTensors, isComputed } from "./decoder-tensors.ts";
import { CLIP_ENCODER, readEncoder, SIGLIP_ENCODER } from "./encoder-config.ts";
import { CLIP_NAMES, encoderTensors, isUnusedInEncoder } from "./encoder-tensors.ts";
import { CLIP_PICTURES, readSquarePictures, SIGLIP_PICTURES, type SquareKind } from "./square-pictures.ts";

/** The vision_config that LlavaConfig means where there is none. */
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
const CONNECTOR_PREFIXES = {
  1: ["multi_modal_projector.linear_1", "model.multi_modal_projector.linear_1", "model.mm_projector.0"],
  2: ["multi_modal_projector.linear_2", "model.multi_modal_projector.linear_2", "model.mm_projector.2"],
};

/** LLaVA-1.5's conversation "vicuna_v1". */
const VICUNA: PromptFormat = {
  system:
    "A chat between a curious user and an artificial intelligence assistant. " +
    "The assistant gives helpful, detailed, and polite answers to the user's questions.",
  user: "USER: ",
  answer: "ASSISTANT:",
};

/**
 * Describes a model by the fields of LlavaConfig.
 *
 * @param imageProcessor settings of the image processor, where there are some
 * @param square how pictures become squares, where the encoder's kind does not tell
 * @throws FoveaError `unsupported-model`
 */
export function describeLlava(
  fields: ConfigFields,
  imageProcessor: ConfigFields | undefined,
  square: Partial<SquareKind> = {},
): ModelSpec {
  // Within a vision_config, the encoder's own defaults hold.
  const visionFields = fields.object("vision_config") ?? fields.with(CLIP_LARGE_336);
  const kind = visionFields.choice("model_type", "clip_vision_model", ENCODERS);
  const { imageSize, ...tower } = readEncoder(visionFields, kind.encoder);
  const pictures = { ...kind.pictures, ...square };
  const textFields = fields.objectOrEmpty("text_config");
  const { decoder, tied, files } = readDecoder(textFields, textFields.choice("model_type", "llama", DECODERS));
  const strategy = fields.choice("vision_feature_select_strategy", "default", { default: "default", full: "full" });
  // Hugging Face would drop the first patch here, which no checkpoint is meant to lose.
  if (strategy === "default" && !tower.classToken)
    throw fields.unsupported("vision_feature_select_strategy", `"full" for an encoder without a class token`);
  const encoder: EncoderSpec = {
    ...tower,
    runBlocks: readRunBlocks(fields, tower.blocks),
    postNorm: false,
    keepClassToken: strategy === "full" && tower.classToken,
    cell: 1,
  };
  const activation = fields.choice("projector_hidden_act", "gelu", HIDDEN_ACTIVATIONS);
  const connector: ConnectorStep[] = [
    { op: "linear", slot: "connector.1", width: decoder.width, activation },
    { op: "linear", slot: "connector.2", width: decoder.width, activation: "none" },
  ];
  const bias = fields.boolean("multimodal_projector_bias", true);
  // The flag may stand on either level.
  const isTied = tied || fields.boolean("tie_word_embeddings", false);
  return {
    family: "llava",
    pictures: readSquarePictures(imageProcessor, pictures, { encoder, imageSize }),
    encoder,
    connector,
    decoder,
    imageTokenId: readImageTokenId(fields),
    tensors: [
      ...encoderTensors(encoder, CLIP_NAMES, ENCODER_PREFIXES),
      ...linear("connector.1", CONNECTOR_PREFIXES[1], [["", decoder.width]], { cols: encoder.width, bias }),
      ...linear("connector.2", CONNECTOR_PREFIXES[2], [["", decoder.width]], { cols: decoder.width, bias }),
      ...decoderTensors(decoder, DECODER_NAMES, isTied ? "tied" : "own", files),
    ],
    ignores: (name) =>
      isComputed(name) ||
      // LLaVA-NeXT's separator of rows of tiles.
      /(^|\.)image_newline$/.test(name) ||
      isUnusedInEncoder(encoder, CLIP_NAMES, ENCODER_PREFIXES, name),
    fallbackPrompt: VICUNA,
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
