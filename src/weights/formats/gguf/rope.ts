/** Rotary positions of a GGUF file as the fields that a config.json has for them. */
import type { Keys } from "./keys.ts";
import { optionalField } from "./optional-field.ts";

/** Factors that a file stores as small tensors: each divides the frequency of one pair of channels. */
export interface RopeFactors {
  /** `rope_freqs.weight`, for all lengths. */
  all?: readonly number[] | undefined;
  /** `rope_factors_short.weight` and `rope_factors_long.weight`. */
  short?: readonly number[] | undefined;
  long?: readonly number[] | undefined;
}

/**
 * The fields of RoPE.
 *
 * @param headWidth channels of a head
 * @param base where the file names none
 */
export function ropeFields(keys: Keys, factors: RopeFactors, headWidth: number, base = 10000): Record<string, unknown> {
  const turned = keys.size("rope.dimension_count") ?? headWidth;
  if (turned > headWidth)
    throw keys.metadata.bad(`${keys.name("rope.dimension_count")} is ${turned}, a head has ${headWidth} channels`);
  const scaling = scalingFields(keys, factors);
  const original = keys.size("rope.scaling.original_context_length");
  return {
    rope_theta: keys.number("rope.freq_base") ?? base,
    ...(turned !== headWidth && { partial_rotary_factor: turned / headWidth }),
    ...(scaling && { rope_scaling: scaling }),
    // On this level, where some families have a default.
    ...(scaling && original !== undefined && { original_max_position_embeddings: original }),
  };
}

function scalingFields(keys: Keys, { all, short, long }: RopeFactors): Record<string, unknown> | undefined {
  const attentionField = optionalField("attention_factor", keys.number("rope.scaling.attn_factor"));
  if (short && long) return { rope_type: "longrope", short_factor: short, long_factor: long, ...attentionField };
  // One list for all lengths: what llama3 scaling comes to, and it says nothing about attention.
  if (all) return { rope_type: "longrope", short_factor: all, long_factor: all, attention_factor: 1 };
  const type = keys.string("rope.scaling.type");
  // The older key has no type beside it.
  const factor = keys.number("rope.scaling.factor") ?? keys.number("rope.scale_linear") ?? 1;
  if (type === "none" || factor === 1 || factor === 0) return undefined;
  if (type === "yarn")
    return {
      rope_type: "yarn",
      factor,
      ...attentionField,
      ...optionalField("beta_fast", keys.number("rope.scaling.yarn_beta_fast")),
      ...optionalField("beta_slow", keys.number("rope.scaling.yarn_beta_slow")),
      // Models with this multiplier divide queries by the factor that scales their cosines: nothing remains.
      ...optionalField("attention_factor", keys.number("rope.scaling.yarn_log_multiplier") ? 1 : undefined),
    };
  if (type === undefined || type === "linear") return { rope_type: "linear", factor };
  throw keys.metadata.bad(`${keys.name("rope.scaling.type")} is ${JSON.stringify(type)}; none, linear, yarn are read`);
}
