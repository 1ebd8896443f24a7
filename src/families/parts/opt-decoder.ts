/** OPT's decoder: LayerNorms with bias, learned positions, ReLU. Source: transformers, `modeling_opt.py`. */
import type { ConfigFields } from "../fields.ts";
import { type DecoderKind, LLAMA_DECODER, withAttention } from "./decoder-config.ts";

/** The rows of the table that no position reads. */
const FIRST_POSITION = 2;

export const OPT_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 3072,
  vocabularySize: 50272,
  bosId: 2,
  qkvBias: true,
  refused: ["_remove_final_layer_norm"],
  epsField: "layer_norm_eps",
  activationField: "activation_function",
  defaults: {
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    activation_function: "relu",
    layer_norm_eps: 1e-5,
    tie_word_embeddings: true,
  },
  respell: (fields) => fields.withDefaults({ intermediate_size: fields.value("ffn_dim") }),
  files: {
    names: {
      norm1: "self_attn_layer_norm",
      norm2: "final_layer_norm",
      out: "self_attn.out_proj",
      gateUp: ["fc1"],
      down: "fc2",
      lastNorm: "final_layer_norm",
    },
  },
  refine(decoder, fields) {
    checkShape(fields, decoder.width);
    const layers = decoder.layers.map((layer) => ({
      ...layer,
      mlp: { ...layer.mlp, gated: false as const, bias: true as const },
    }));
    const placed = { ...decoder, layers, layerNorms: true as const, learnedPositions: { first: FIRST_POSITION } };
    return withAttention(placed, () => ({ outBias: true, rope: null }));
  },
};

/** Refuses the shape of OPT-350m, and options that no published checkpoint has. */
function checkShape(fields: ConfigFields, width: number): void {
  for (const name of ["do_layer_norm_before", "enable_bias", "layer_norm_elementwise_affine"])
    if (!fields.boolean(name, true)) throw fields.unsupported(name, "true");
  fields.integer("word_embed_proj_dim", width, width, width);
}
