/**
 * The decoders of Gemma: scaled embeddings, norms stored as differences from one, GELU gates. Gemma 2 has norms around
 * both halves of a layer, windows in some layers, and caps on logits. Gemma 3 replaces the caps by norms of queries and
 * keys, and has a RoPE of its own in layers with a window.
 */
import type { AttentionSpec, DecoderSpec } from "../spec/model-spec.ts";
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { type DecoderKind, LLAMA_DECODER, withAttention } from "./parts/decoder-config.ts";
import { plainRope } from "./parts/rope.ts";
import { describeText } from "./parts/text-model.ts";
import { narrowLayers, type WindowRule } from "./parts/windows.ts";

/** GemmaConfig: the first Gemma. */
export const GEMMA_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 24576,
  vocabularySize: 256000,
  maxPositions: 8192,
  bosId: 2,
  eosIds: [1],
  keyHeads: () => 16,
  refused: ["attention_bias"],
  // The first published files say "gelu" and mean its approximation, which `transformers` has computed ever since.
  respell: (fields) =>
    fields.value("hidden_act") === "gelu"
      ? fields.with({ ...Object.fromEntries(fields.entries()), hidden_act: "gelu_pytorch_tanh" })
      : fields,
  defaults: {
    hidden_size: 3072,
    num_hidden_layers: 28,
    num_attention_heads: 16,
    head_dim: 256,
    hidden_act: "gelu_pytorch_tanh",
    tie_word_embeddings: true,
  },
  files: { normOffset: 1 },
  refine: (decoder) => ({ ...decoder, embedFactor: Math.sqrt(decoder.width) }),
};

export const GEMMA2_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 9216,
  vocabularySize: 256000,
  maxPositions: 8192,
  bosId: 2,
  eosIds: [1],
  keyHeads: () => 4,
  refused: ["attention_bias"],
  activationField: "hidden_activation",
  windows: (layer) => layer % 2 === 0,
  defaults: {
    hidden_size: 2304,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    head_dim: 256,
    hidden_activation: "gelu_pytorch_tanh",
    tie_word_embeddings: true,
    attn_logit_softcapping: 50,
    final_logit_softcapping: 30,
  },
  files: { normOffset: 1, names: { norm2: "pre_feedforward_layernorm" } },
  refine: (decoder, fields) => refine(decoder, fields, () => ({})),
};

/** One of every `sliding_window_pattern` layers sees everything. */
const isLocal: WindowRule = (layer, fields) => {
  const name = fields.has("_sliding_window_pattern") ? "_sliding_window_pattern" : "sliding_window_pattern";
  return (layer + 1) % fields.integer(name, 6, 1, 512) !== 0;
};

export const GEMMA3_DECODER: DecoderKind = {
  ...GEMMA2_DECODER,
  vocabularySize: 262208,
  maxPositions: 131072,
  // A field of embedding models, whose rows see each other in both directions.
  refused: ["attention_bias", "use_bidirectional_attention"],
  windows: isLocal,
  respell: joinRopes,
  defaults: {
    ...GEMMA2_DECODER.defaults,
    rope_theta: 1e6,
    attn_logit_softcapping: null,
    final_logit_softcapping: null,
  },
  refine(decoder, fields) {
    const local = narrowLayers(fields, isLocal, decoder.layers.length);
    const theta = fields.number("rope_local_base_freq", 1e4, 2, 1e12);
    const rope = plainRope(theta, decoder.layers[0]!.attention!.headWidth);
    return refine(decoder, fields, (layer) => ({ qkNorm: "heads", ...(local[layer] && { rope }) }));
  },
};

function refine(
  decoder: DecoderSpec,
  fields: ConfigFields,
  more: (layer: number) => Partial<AttentionSpec>,
): DecoderSpec {
  const scale = fields.number("query_pre_attn_scalar", 256, 1e-3, 1e6) ** -0.5;
  const cap = (name: string) => (fields.has(name) ? fields.number(name, 0, 1e-3, 1e6) : undefined);
  const [attentionCap, logitCap] = [cap("attn_logit_softcapping"), cap("final_logit_softcapping")];
  const layers = decoder.layers.map((layer) => ({ ...layer, norms: "both" as const }));
  const whole = {
    ...decoder,
    layers,
    embedFactor: Math.sqrt(decoder.width),
    ...(logitCap !== undefined && { logitCap }),
  };
  return withAttention(whole, (_, layer) => ({
    scale,
    ...(attentionCap !== undefined && { cap: attentionCap }),
    ...more(layer),
  }));
}

/** transformers 5 has a RoPE for each type of layer; the older spelling has one, and a base for the local layers. */
function joinRopes(fields: ConfigFields): ConfigFields {
  const ropes = fields.object("rope_parameters");
  const full = ropes?.object("full_attention");
  const local = ropes?.object("sliding_attention");
  if (!full) return fields;
  local?.choice("rope_type", "default", { default: true });
  return fields.with({
    ...Object.fromEntries(fields.entries()),
    rope_parameters: Object.fromEntries(full.entries()),
    ...(local?.has("rope_theta") && { rope_local_base_freq: local.value("rope_theta") }),
  });
}

export const gemma2: Family = {
  name: "gemma2",
  matches: (files) => hasModelType(files, "gemma2"),
  describe: ({ config }) => describeText("gemma2", config, GEMMA2_DECODER),
};

export const gemma3Text: Family = {
  name: "gemma3_text",
  matches: (files) => hasModelType(files, "gemma3_text"),
  describe: ({ config }) => describeText("gemma3_text", config, GEMMA3_DECODER),
};
