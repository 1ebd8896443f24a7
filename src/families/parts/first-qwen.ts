/** The decoder of the first Qwen: Llama's with biases of queries, keys and values. Source: its repository, `modeling_qwen.py`. */
import type { RopeSpec } from "../../spec/rope-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { type DecoderKind, LLAMA_DECODER } from "./decoder-config.ts";
import type { DecoderNames } from "./decoder-tensors.ts";
import { MAX_POSITIONS, plainRope } from "./rope.ts";

export const FIRST_QWEN_NAMES: DecoderNames = { prefixes: ["transformer."], head: ["lm_head.weight"] };

export const FIRST_QWEN_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  vocabularySize: 151936,
  maxPositions: 8192,
  bosId: undefined,
  eosIds: [],
  qkvBias: true,
  refused: [],
  epsField: "layer_norm_epsilon",
  respell(fields) {
    // Both halves of the MLP together.
    const both = fields.integer("intermediate_size", 22016, 2, 1 << 18);
    if (both % 2 !== 0) throw fields.unsupported("intermediate_size", "an even number");
    const spelled = { head_dim: fields.value("kv_channels"), rope_theta: fields.value("rotary_emb_base") };
    const others = Object.fromEntries(fields.entries());
    return fields.with({ ...others, ...spelled, intermediate_size: both / 2, rope_scaling: undefined });
  },
  files: {
    names: {
      layers: "h",
      embed: "wte",
      norm1: "ln_1",
      norm2: "ln_2",
      qkv: ["attn.c_attn"],
      out: "attn.c_proj",
      gateUp: ["mlp.w2", "mlp.w1"],
      down: "mlp.c_proj",
      lastNorm: "ln_f",
    },
  },
  refine(decoder, fields) {
    if (!fields.boolean("no_bias", true)) throw fields.unsupported("no_bias", "true");
    fields.number("rotary_pct", 1, 1, 1);
    const { headWidth } = decoder.layers[0]!.attention!;
    return { ...decoder, rope: readRope(fields, headWidth) };
  },
};

/**
 * Both methods act beyond the length of the training: the base grows with the prompt, in steps, and queries grow with
 * their position.
 */
function readRope(fields: ConfigFields, headWidth: number): RopeSpec {
  const theta = fields.number("rope_theta", 10000, 2, 1e12);
  const length = fields.integer("seq_length", 2048, 2, MAX_POSITIONS);
  const frequenciesOf = (positions: number) => {
    const alpha = Math.max(1, 2 ** Math.ceil(Math.log2(positions / length) + 1) - 1);
    return plainRope(theta * alpha ** (headWidth / (headWidth - 2)), headWidth).frequencies;
  };
  return {
    ...plainRope(theta, headWidth),
    ...(fields.boolean("use_dynamic_ntk", true) && {
      beyond: { length, turnsAnew: false, keepsPrompt: true, frequenciesOf },
    }),
    ...(fields.boolean("use_logn_attn", true) && { growth: { length, rate: "log" } }),
  };
}
