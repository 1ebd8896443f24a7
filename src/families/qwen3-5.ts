/**
 * Qwen3.5, with pictures and alone: layers of gated delta rules; every fourth layer is attention with a gate on its
 * output. Source: transformers, `modeling_qwen3_5.py`, `configuration_qwen3_5.py`.
 */
import type { DecoderSpec, DeltaSpec, LayerSpec, ModelSpec } from "../spec/model-spec.ts";
import { type Descriptions, type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { readAreaPictures } from "./parts/area-pictures.ts";
import { type DecoderKind, LLAMA_DECODER, MAX_TOKEN_ID, readDecoder } from "./parts/decoder-config.ts";
import { type DecoderNames, decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { encoderTensors } from "./parts/encoder-tensors.ts";
import { mergerSteps, mergerTensors, TOWER_PREFIXES, towerNames } from "./parts/grid-tower.ts";
import { respellSections, withSections } from "./parts/mrope.ts";
import { STAMPED_VIDEO } from "./parts/stamped-video.ts";
import { QWEN3_MERGER, QWEN3_TOWER_NAMES, readQwen3Tower } from "./qwen3-vl.ts";

const MAX_STATE_HEADS = 256;
/** The kernels keep keys, queries and a part of the state in workgroup memory. */
const MAX_STATE_WIDTH = 256;
const MAX_TAPS = 16;

/** Mixtures of experts with the same layers. */
const EXPERTS = ["qwen3_5_moe", "qwen3_5_moe_text", "qwen3_next"];

/** Qwen3_5TextConfig. */
const DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 12288,
  vocabularySize: 248320,
  maxPositions: 32768,
  bosId: undefined,
  eosIds: [],
  keyHeads: () => 4,
  refused: ["attention_bias"],
  partialRotary: 0.25,
  defaults: { num_attention_heads: 16, head_dim: 256 },
  files: { normOffset: 1 },
  respell: respellSections,
  refine,
};

/** Prefixes of the decoder's names: alone, and as part of a model with pictures. */
const DECODER_NAMES: DecoderNames = {
  prefixes: ["model.language_model.", "model.", "language_model.model.", "language_model.", ""],
  head: ["lm_head.weight", "language_model.lm_head.weight"],
};

function refine(decoder: DecoderSpec, fields: ConfigFields): DecoderSpec {
  if (!fields.boolean("attn_output_gate", true)) throw fields.unsupported("attn_output_gate", "true");
  const types = layerTypes(fields, decoder.layers.length);
  const delta = readDelta(fields);
  const layers = decoder.layers.map(
    ({ attention, mlp }, layer): LayerSpec =>
      types[layer] === "linear_attention"
        ? { kind: "delta", delta, mlp }
        : { kind: "attention", attention: { ...attention!, qkNorm: "heads", outputGate: true }, mlp },
  );
  return { ...decoder, layers };
}

function layerTypes(fields: ConfigFields, layers: number): string[] {
  const types = fields.strings("layer_types");
  const known = types.every((type) => type === "full_attention" || type === "linear_attention");
  if (types.length > 0 && (types.length !== layers || !known))
    throw fields.unsupported("layer_types", `"linear_attention" or "full_attention" for each of the ${layers} layers`);
  if (types.length > 0) return types;
  const interval = fields.integer("full_attention_interval", 4, 1, 512);
  return Array.from({ length: layers }, (_, i) => ((i + 1) % interval === 0 ? "full_attention" : "linear_attention"));
}

function readDelta(fields: ConfigFields): DeltaSpec {
  const keyHeads = fields.integer("linear_num_key_heads", 16, 1, MAX_STATE_HEADS);
  const valueHeads = fields.integer("linear_num_value_heads", 32, 1, MAX_STATE_HEADS);
  if (valueHeads % keyHeads !== 0)
    throw fields.unsupported("linear_num_value_heads", `a multiple of linear_num_key_heads ${keyHeads}`);
  return {
    keyHeads,
    valueHeads,
    keyWidth: fields.integer("linear_key_head_dim", 128, 1, MAX_STATE_WIDTH),
    valueWidth: fields.integer("linear_value_head_dim", 128, 1, MAX_STATE_WIDTH),
    taps: fields.integer("linear_conv_kernel_dim", 4, 1, MAX_TAPS),
    // Not a published field: set by containers that store heads in this order.
    ...(fields.boolean("linear_value_heads_tiled", false) && { tiled: true }),
  };
}

/** Heads of multi-token prediction, which the engine does not run. */
function isGuess(tensor: string): boolean {
  return /^mtp\./.test(tensor);
}

/** Refuses mixtures of experts with these layers: their MLPs differ. */
function refuseExperts(config: ConfigFields, text: ConfigFields): void {
  if (EXPERTS.some((type) => type === config.value("model_type")))
    throw config.unsupported("model_type", "qwen3_5 and qwen3_5_text; mixtures of experts are not read");
  text.integer("num_experts", 0, 0, 0);
}

function hasTypeOf(files: Descriptions, ...types: string[]): boolean {
  return types.some((type) => hasModelType(files, type));
}

/** With the tower of Qwen3-VL, without taps. */
export const qwen35: Family = {
  name: "qwen3_5",
  matches: (files) => hasTypeOf(files, "qwen3_5", "qwen3_5_moe"),
  describe(files): ModelSpec {
    const { config } = files;
    const text = config.objectOrEmpty("text_config");
    refuseExperts(config, text);
    const vision = config.objectOrEmpty("vision_config");
    const encoder = readQwen3Tower(vision);
    const taps = vision.value("deepstack_visual_indexes") ?? [];
    if (!Array.isArray(taps) || taps.length > 0) throw vision.unsupported("deepstack_visual_indexes", "an empty list");
    const { decoder, files: decoderFiles } = readDecoder(text, {
      ...DECODER,
      refine: (plain, fields) => withSections(refine(plain, fields), fields, "interleaved", [11, 11, 10]),
    });
    const { width } = decoder;
    vision.integer("out_hidden_size", width, width, width);
    const isTied = config.boolean("tie_word_embeddings", false);
    return {
      family: "qwen3_5",
      pictures: readAreaPictures(files, encoder, STAMPED_VIDEO),
      encoder,
      connector: mergerSteps(QWEN3_MERGER, encoder, width),
      decoder,
      imageTokenId: config.integer("image_token_id", 248056, 0, MAX_TOKEN_ID),
      tensors: [
        ...encoderTensors(encoder, towerNames(vision, QWEN3_TOWER_NAMES), TOWER_PREFIXES),
        ...mergerTensors(QWEN3_MERGER, encoder, width),
        ...decoderTensors(decoder, DECODER_NAMES, isTied ? "tied" : "optional", decoderFiles),
      ],
      ignores: (name) => isComputed(name) || isGuess(name),
    };
  },
};

/** The decoder alone. Without pictures its positions are the same on all axes. */
export const qwen35Text: Family = {
  name: "qwen3_5_text",
  matches: (files) => hasTypeOf(files, "qwen3_5_text", "qwen3_5_moe_text", "qwen3_next"),
  describe({ config }): ModelSpec {
    refuseExperts(config, config);
    const { decoder, tied, files } = readDecoder(config, DECODER);
    return {
      family: "qwen3_5_text",
      connector: [],
      decoder,
      tensors: decoderTensors(decoder, DECODER_NAMES, tied ? "tied" : "own", files),
      ignores: (name) => isComputed(name) || isGuess(name) || /^(model\.)?visual\./.test(name),
    };
  },
};
