/**
 * StableLM 2 and Phi 1.5 and 2: LayerNorms with bias, and partial rotation. Phi runs both halves of a layer in
 * parallel.
 */
import type { DecoderSpec } from "../spec/model-spec.ts";
import { type Family, hasModelType } from "./family.ts";
import { type DecoderKind, LLAMA_DECODER, withAttention } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

const STABLELM_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 6912,
  vocabularySize: 50304,
  maxPositions: 4096,
  bosId: 0,
  eosIds: [0],
  refused: ["qk_layernorm", "use_parallel_residual"],
  epsField: "layer_norm_eps",
  partialRotary: 0.25,
  defaults: { hidden_size: 2560, layer_norm_eps: 1e-5 },
  refine: (decoder, fields) =>
    withAttention({ ...decoder, layerNorms: true }, () => ({ qkvBias: fields.boolean("use_qkv_bias", false) })),
};

const PHI_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 8192,
  vocabularySize: 51200,
  qkvBias: true,
  refused: ["qk_layernorm"],
  epsField: "layer_norm_eps",
  partialRotary: 0.5,
  defaults: { hidden_size: 2048, num_hidden_layers: 24, layer_norm_eps: 1e-5, hidden_act: "gelu_new" },
  files: {
    names: { out: "self_attn.dense", gateUp: ["mlp.fc1"], down: "mlp.fc2", lastNorm: "final_layernorm" },
  },
  refine(decoder) {
    const layers = decoder.layers.map((layer) => ({
      ...layer,
      norms: "shared" as const,
      mlp: { ...layer.mlp, gated: false as const, bias: true as const },
    }));
    const biased: DecoderSpec = { ...decoder, layers, layerNorms: true, headBias: true };
    return withAttention(biased, () => ({ outBias: true }));
  },
};

export const stablelm: Family = {
  name: "stablelm",
  matches: (files) => hasModelType(files, "stablelm"),
  describe: ({ config }) => describeText("stablelm", config, STABLELM_DECODER),
};

export const phi: Family = {
  name: "phi",
  matches: (files) => hasModelType(files, "phi"),
  describe: ({ config }) => describeText("phi", config, PHI_DECODER),
};
