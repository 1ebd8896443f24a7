/** Mistral alone: Llama with a sliding window in every layer; and Ministral 3 alone. */
import type { DecoderSpec } from "../spec/model-spec.ts";
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { type DecoderKind, LLAMA_DECODER } from "./parts/decoder-config.ts";
import { MAX_POSITIONS } from "./parts/rope.ts";
import { describeText } from "./parts/text-model.ts";

export const MISTRAL_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 14336,
  maxPositions: 131072,
  keyHeads: () => 8,
  windows: "all",
};

/** Ministral3Config. Queries grow with their position from the original context on. */
export const MINISTRAL3_DECODER: DecoderKind = {
  ...MISTRAL_DECODER,
  vocabularySize: 131072,
  maxPositions: 262144,
  defaults: {
    ...{ num_hidden_layers: 34, head_dim: 128, rms_norm_eps: 1e-5, sliding_window: null },
    rope_parameters: {
      ...{ rope_type: "yarn", rope_theta: 1e6, factor: 16, original_max_position_embeddings: 16384 },
      ...{ beta_fast: 32, beta_slow: 1, mscale: 1, mscale_all_dim: 1, llama_4_scaling_beta: 0.1 },
    },
  },
  refine: withGrowingQueries,
};
export const mistral: Family = {
  name: "mistral",
  matches: (files) => hasModelType(files, "mistral") || hasModelType(files, "ministral3"),
  describe: ({ config }) =>
    describeText("mistral", config, config.value("model_type") === "mistral" ? MISTRAL_DECODER : MINISTRAL3_DECODER),
};

/** Multiplies queries by 1 + beta log(1 + floor(position / original)), which is 1 within the original context. */
function withGrowingQueries(decoder: DecoderSpec, fields: ConfigFields): DecoderSpec {
  const rope = fields.objectOrEmpty("rope_parameters");
  const rate = rope.number("llama_4_scaling_beta", 0, 0, 1e3);
  if (rate === 0) return decoder;
  const length = rope.integer("original_max_position_embeddings", decoder.maxPositions, 1, MAX_POSITIONS);
  return { ...decoder, rope: { ...decoder.rope, growth: { length, rate } } };
}
