/** LFM2: layers of gated short convolutions, and some of attention with norms of queries and keys. */
import type { DecoderSpec, LayerSpec } from "../spec/model-spec.ts";
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { type DecoderKind, LLAMA_DECODER } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

export const LFM2_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 12288,
  vocabularySize: 65536,
  maxPositions: 128000,
  keyHeads: () => 8,
  refused: ["conv_bias"],
  epsField: "norm_eps",
  defaults: { hidden_size: 2560, norm_eps: 1e-5, rope_theta: 1e6, tie_word_embeddings: true },
  respell: tie,
  files: {
    names: {
      norm1: "operator_norm",
      norm2: "ffn_norm",
      qNorm: "self_attn.q_layernorm",
      kNorm: "self_attn.k_layernorm",
      out: "self_attn.out_proj",
      gateUp: ["feed_forward.w1", "feed_forward.w3"],
      down: "feed_forward.w2",
      lastNorm: "embedding_norm",
    },
  },
  refine,
};

/** Reads the flag under its older name too. */
function tie(fields: ConfigFields): ConfigFields {
  if (fields.has("tie_word_embeddings") || !fields.has("tie_embedding")) return fields;
  return fields.withDefaults({ tie_word_embeddings: fields.value("tie_embedding") });
}

function refine(decoder: DecoderSpec, fields: ConfigFields): DecoderSpec {
  const types = layerTypes(fields, decoder.layers.length);
  const taps = fields.integer("conv_L_cache", 3, 1, 16);
  const mlp = { width: mlpWidth(fields, decoder.layers[0]!.mlp.width) };
  const layers = decoder.layers.map(
    ({ attention }, layer): LayerSpec =>
      types[layer] === "full_attention"
        ? { kind: "attention", attention: { ...attention!, qkNorm: "heads" }, mlp }
        : { kind: "convolution", convolution: { taps }, mlp },
  );
  return { ...decoder, layers };
}

function layerTypes(fields: ConfigFields, layers: number): string[] {
  const types = fields.strings("layer_types");
  const known = types.every((type) => type === "full_attention" || type === "conv");
  if (types.length > 0 && (types.length !== layers || !known))
    throw fields.unsupported("layer_types", `"conv" or "full_attention" for each of the ${layers} layers`);
  if (types.length > 0) return types;
  const attending = fields.value("full_attn_idxs") ?? Array.from({ length: layers }, (_, layer) => layer);
  if (!Array.isArray(attending)) throw fields.unsupported("full_attn_idxs", "a list of layers");
  return Array.from({ length: layers }, (_, layer) => (attending.includes(layer) ? "full_attention" : "conv"));
}

/**
 * `block_ff_dim` is the width of an MLP without a gate; a gated one with the same number of weights has two thirds of
 * it.
 */
function mlpWidth(fields: ConfigFields, intermediate: number): number {
  const given = fields.integer("block_ff_dim", intermediate, 1, 1 << 17);
  if (!fields.boolean("block_auto_adjust_ff_dim", true)) return given;
  const factor = fields.number("block_ffn_dim_multiplier", 1, 1e-3, 16);
  const multiple = fields.integer("block_multiple_of", 256, 1, 1 << 17);
  return multiple * Math.ceil(Math.floor(factor * Math.floor((2 * given) / 3)) / multiple);
}

export const lfm2: Family = {
  name: "lfm2",
  matches: (files) => hasModelType(files, "lfm2"),
  describe: ({ config }) => describeText("lfm2", config, LFM2_DECODER),
};
