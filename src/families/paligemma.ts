/**
 * PaliGemma and PaliGemma 2: a SigLIP encoder, one linear layer, and a Gemma or Gemma 2 decoder whose prompt sees itself in
 * both directions. Source: transformers, `modeling_paligemma.py`, `processing_paligemma.py`.
 */
import type { ModelSpec } from "../spec/model-spec.ts";
import { linear } from "../spec/tensor-spec.ts";
import { type Family, hasModelType, imageProcessor } from "./family.ts";
import { GEMMA_DECODER, GEMMA2_DECODER } from "./gemma.ts";
import { readImageTokenId } from "./gemma3.ts";
import { readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { readEncoder, SIGLIP_ENCODER } from "./parts/encoder-config.ts";
import { CLIP_NAMES, encoderTensors, isUnusedInEncoder } from "./parts/encoder-tensors.ts";
import { readSquarePictures, SIGLIP_PICTURES } from "./parts/square-pictures.ts";

// As published, and as transformers 5 saves them: with the level of the task's class, and without SigLIP's own.
const ENCODER_PREFIXES = ["vision_tower.", "model.vision_tower."].flatMap((prefix) => [
  `${prefix}vision_model.`,
  prefix,
]);
const CONNECTOR_NAMES = ["multi_modal_projector.linear", "model.multi_modal_projector.linear"];
const DECODER_NAMES = {
  prefixes: ["language_model.model.", "model.language_model."],
  head: ["language_model.lm_head.weight", "lm_head.weight"],
};
const DECODERS = { gemma: GEMMA_DECODER, gemma2: GEMMA2_DECODER };

/** PaliGemmaConfig's defaults for missing configs. */
const DEFAULT_VISION = {
  hidden_size: 1152,
  intermediate_size: 4096,
  num_hidden_layers: 27,
  num_attention_heads: 16,
  patch_size: 14,
  image_size: 224,
};
const DEFAULT_TEXT = {
  model_type: "gemma",
  hidden_size: 2048,
  intermediate_size: 16384,
  num_hidden_layers: 18,
  num_attention_heads: 8,
  num_key_value_heads: 1,
  vocab_size: 257152,
};

export const paligemma: Family = {
  name: "paligemma",
  matches: (files) => hasModelType(files, "paligemma"),
  describe(files) {
    const { config } = files;
    const vision = config.object("vision_config") ?? config.with(DEFAULT_VISION);
    vision.choice("model_type", "siglip_vision_model", { siglip_vision_model: true });
    const { imageSize, ...square } = readEncoder(vision, SIGLIP_ENCODER);
    const encoder = { ...square, runBlocks: square.blocks, postNorm: true, keepClassToken: false, cell: 1 };
    const text = config.object("text_config") ?? config.with(DEFAULT_TEXT);
    if (!text.boolean("use_bidirectional_attention", true))
      throw text.unsupported("use_bidirectional_attention", "true");
    const read = readDecoder(text, text.choice("model_type", "gemma", DECODERS));
    const decoder = { ...read.decoder, sees: "prompt" as const, firstPosition: 1 };
    const { width } = decoder;
    // The connector's width; the decoder reads nothing else.
    config.integer("projection_dim", width, width, width);
    const isTied = read.tied && config.boolean("tie_word_embeddings", true);
    return {
      family: "paligemma",
      pictures: readSquarePictures(imageProcessor(files), SIGLIP_PICTURES, { encoder, imageSize }),
      encoder,
      connector: [{ op: "linear", slot: "connector.1", width, activation: "none" }],
      decoder,
      imageTokenId: readImageTokenId(config, 256000),
      tensors: [
        ...encoderTensors(encoder, CLIP_NAMES, ENCODER_PREFIXES),
        ...linear("connector.1", CONNECTOR_NAMES, [["", width]], { cols: encoder.width, bias: true }),
        ...decoderTensors(decoder, DECODER_NAMES, isTied ? "tied" : "optional", read.files),
      ],
      ignores: (name) => isComputed(name) || isUnusedInEncoder(encoder, CLIP_NAMES, ENCODER_PREFIXES, name),
      fallbackPrompt: { closing: "\n" },
    } satisfies ModelSpec;
  },
};
