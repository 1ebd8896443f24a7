/**
 * Fuyu and OtterHD: patches enter a Persimmon decoder through one linear layer, line by line, without an encoder. Source:
 * transformers, `modeling_fuyu.py`, `modeling_persimmon.py`, `processing_fuyu.py`.
 */
import type { Size } from "../image/geometry.ts";
import type { DecoderSpec, EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { type DecoderKind, LLAMA_DECODER, MAX_TOKEN_ID, readDecoder, withAttention } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { CLIP_NAMES, encoderTensors } from "./parts/encoder-tensors.ts";
import { readPaddedPictures } from "./parts/padded-lines.ts";

/** PersimmonConfig, as FuyuConfig sets it. */
const PERSIMMON_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 16384,
  vocabularySize: 262144,
  maxPositions: 16384,
  qkvBias: true,
  refused: [],
  epsField: "layer_norm_eps",
  partialRotary: 0.5,
  defaults: {
    ...{ hidden_size: 4096, num_hidden_layers: 36, num_attention_heads: 64, hidden_act: "relu2" },
    ...{ layer_norm_eps: 1e-5, rope_theta: 25000 },
  },
  files: {
    interleavedHeads: true,
    names: {
      qkv: ["self_attn.query_key_value"],
      qNorm: "self_attn.q_layernorm",
      kNorm: "self_attn.k_layernorm",
      out: "self_attn.dense",
      gateUp: ["mlp.dense_h_to_4h"],
      down: "mlp.dense_4h_to_h",
      lastNorm: "final_layernorm",
    },
  },
  refine(decoder, fields) {
    const layers = decoder.layers.map((layer) => ({
      ...layer,
      mlp: { ...layer.mlp, gated: false as const, bias: true as const },
    }));
    const hasNorms = fields.boolean("qk_layernorm", true);
    const biased: DecoderSpec = { ...decoder, layers, layerNorms: true };
    return withAttention(biased, () => ({
      outBias: true,
      ...(hasNorms && { qkNorm: "heads", qkLayerNorms: true }),
    }));
  },
};

// As published, and as transformers 5 saves them.
const DECODER_NAMES = {
  prefixes: ["language_model.model.", "model.language_model."],
  head: ["language_model.lm_head.weight", "lm_head.weight"],
};
const PATCH_PREFIXES = ["", "model."];
const PATCH_NAMES = { ...CLIP_NAMES, patch: "vision_embed_tokens" };
const MAX_PATCH = 128;

/** Tokens of the vocabulary that no file lists. A line of patches ends with the first. */
const LINE_END = "|NEWLINE|";
const ANSWER = "<0x04>";
const END = "|ENDOFTEXT|";

export const fuyu: Family = {
  name: "fuyu",
  matches: (files) => hasModelType(files, "fuyu"),
  describe(files) {
    const { config } = files;
    // Older files have the decoder's fields on this level.
    const text = config.object("text_config") ?? config;
    const { decoder, files: decoderFiles } = readDecoder(text, PERSIMMON_DECODER);
    const side = config.integer("patch_size", 30, 1, MAX_PATCH);
    const pictures = readPaddedPictures(files, side, LINE_END);
    const encoder = patchEmbedding(config, decoder.width, side, pictures.largest);
    return {
      family: "fuyu",
      pictures,
      encoder,
      connector: [],
      decoder,
      imageTokenId: config.integer("image_token_id", 71011, 0, MAX_TOKEN_ID),
      tensors: [
        ...encoderTensors(encoder, PATCH_NAMES, PATCH_PREFIXES),
        ...decoderTensors(decoder, DECODER_NAMES, "own", decoderFiles),
      ],
      ignores: isComputed,
      fallbackPrompt: { closing: ANSWER, unmarked: true },
      controlTokens: [LINE_END, ANSWER, END],
      endTokens: [END],
    } satisfies ModelSpec;
  },
};

/** The linear layer of the patches: an encoder without blocks, whose rows are the decoder's. */
function patchEmbedding(config: ConfigFields, width: number, side: number, largest: Size): EncoderSpec {
  config.integer("num_channels", 3, 3, 3);
  return {
    width,
    heads: 1,
    blocks: 0,
    runBlocks: 0,
    mlp: { width: 1, activation: "none" },
    eps: 1e-5,
    qkvBias: false,
    preNorm: false,
    postNorm: false,
    patch: { side, bias: true, channelsLast: true },
    positions: { grid: { rows: largest.height / side, cols: largest.width / side }, table: null },
    classToken: false,
    keepClassToken: false,
    cell: 1,
  };
}
