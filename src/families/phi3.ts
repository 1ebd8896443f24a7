/** Phi-3 and Phi-4-mini: Llama with fused matrices, LongRoPE, and partial rotation in Phi-4-mini. */
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { type DecoderKind, LLAMA_DECODER } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

const PHI3_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 8192,
  vocabularySize: 32064,
  maxPositions: 4096,
  eosIds: [32000],
  refused: ["attention_bias", "mlp_bias", "lm_head_bias"],
  windows: "all",
  partialRotary: 1,
  defaults: {
    hidden_size: 3072,
    rms_norm_eps: 1e-5,
    sliding_window: null,
    original_max_position_embeddings: 4096,
  },
  respell: longRope,
  files: { names: { qkv: ["self_attn.qkv_proj"], gateUp: ["mlp.gate_up_proj"] } },
};

/** Early configs call LongRoPE "yarn". */
function longRope(fields: ConfigFields): ConfigFields {
  const scaling = fields.object("rope_scaling");
  if (scaling?.value("type") !== "yarn" || !scaling.has("long_factor")) return fields;
  const rope_scaling = { ...Object.fromEntries(scaling.entries()), type: "longrope" };
  return fields.with({ ...Object.fromEntries(fields.entries()), rope_scaling });
}

export const phi3: Family = {
  name: "phi3",
  matches: (files) => hasModelType(files, "phi3"),
  describe: ({ config }) => describeText("phi3", config, PHI3_DECODER),
};
