/**
 * Rotary positions of a decoder's config: the base, and the methods that stretch them to longer contexts. Computed in
 * f64, by the formulas of transformers' `modeling_rope_utils.py`.
 */
import { isJsonObject } from "../../shared/json.ts";
import type { RopeSpec } from "../../spec/rope-spec.ts";
import type { ConfigFields } from "../fields.ts";

/** The most positions in a config. */
export const MAX_POSITIONS = 1 << 24;
const MAX_FACTOR = 1e6;
/** Fields of longrope that are lists. */
const FACTOR_LISTS = ["short_factor", "long_factor"];

/** Rotary positions, and the longest context that they reach. */
export interface ReadRope {
  rope: RopeSpec;
  maxPositions: number;
}

/** The input of a method. */
interface Start {
  /** Fields of the method: rope_scaling or rope_parameters. */
  fields: ConfigFields;
  theta: number;
  /** Channels of a head that turn. */
  width: number;
  /** max_position_embeddings */
  maxPositions: number;
  /** Positions of the training before the context was stretched. */
  original: number;
}

const METHODS: Readonly<Record<string, (start: Start) => ReadRope>> = {
  default: (start) => ({ rope: { frequencies: plain(start), factor: 1 }, maxPositions: start.maxPositions }),
  linear,
  dynamic,
  yarn,
  llama3,
  longrope,
  su: longrope,
};

/**
 * Reads the rotary positions of heads of `headWidth` channels. Version 4 of transformers spells them as `rope_theta`
 * and `rope_scaling`, version 5 as `rope_parameters`. If a file has both, version 5 reads `rope_scaling`.
 *
 * @param maxPositions max_position_embeddings
 * @param partial default of `partial_rotary_factor`; without it all channels turn
 * @throws FoveaError `unsupported-model`
 */
export function readRope(config: ConfigFields, headWidth: number, maxPositions: number, partial?: number): ReadRope {
  const scaling = config.object("rope_scaling");
  const fields = scaling && scaling.entries().length > 0 ? scaling : config.objectOrEmpty("rope_parameters");
  const width = readTurned(config, fields, headWidth, partial);
  for (const [name, value] of fields.entries())
    if (isJsonObject(value) || (Array.isArray(value) && !FACTOR_LISTS.includes(name)))
      throw fields.unsupported(name, "one RoPE for all layers");
  const method = fields.choice(fields.has("rope_type") ? "rope_type" : "type", "default", METHODS);
  const theta = readTheta(fields, readTheta(config, 10000));
  const name = "original_max_position_embeddings";
  const original = config.integer(name, fields.integer(name, maxPositions, 2, MAX_POSITIONS), 2, MAX_POSITIONS);
  return method({ fields, theta, width, maxPositions, original });
}

/** Channels of a head that turn, from the first on. */
function readTurned(config: ConfigFields, fields: ConfigFields, headWidth: number, partial?: number): number {
  const name = "partial_rotary_factor";
  if (partial === undefined) {
    for (const level of [config, fields]) level.number(name, 1, 1, 1);
    return headWidth;
  }
  const level = fields.has(name) ? fields : config;
  const turned = Math.floor(headWidth * level.number(name, partial, 0, 1));
  if (turned < 2 || turned % 2 !== 0)
    throw level.unsupported(name, `a share of the ${headWidth} channels of a head that is even and at least 2`);
  return turned;
}

/** At least 2, because YaRN divides by its logarithm. */
function readTheta(fields: ConfigFields, fallback: number): number {
  return fields.number("rope_theta", fallback, 2, 1e12);
}

/** RoPE of all `width` channels, before any scaling. */
export function plainRope(theta: number, width: number): RopeSpec {
  return { frequencies: plain({ theta, width }), factor: 1 };
}

/** theta^(-2 i / D) */
function plain({ theta, width }: Pick<Start, "theta" | "width">): number[] {
  return Array.from({ length: width / 2 }, (_, i) => theta ** ((-2 * i) / width));
}

/** A required field of a method. */
function required(fields: ConfigFields, name: string, min: number, max: number): number {
  if (!fields.has(name)) throw fields.unsupported(name, `a number from ${min} to ${max}`);
  return fields.number(name, min, min, max);
}

/** `positions` stretched by a factor. */
function stretched(positions: number, factor: number): number {
  return Math.min(MAX_POSITIONS, Math.floor(positions * factor));
}

/** Position interpolation (Chen et al. 2023): all positions move closer. */
function linear(start: Start): ReadRope {
  const factor = required(start.fields, "factor", 1, MAX_FACTOR);
  const frequencies = plain(start).map((frequency) => frequency / factor);
  return { rope: { frequencies, factor: 1 }, maxPositions: stretched(start.maxPositions, factor) };
}

/** Dynamic NTK scaling: the base grows with the sequence once it is longer than `maxPositions`. */
function dynamic(start: Start): ReadRope {
  const { fields, theta, width, maxPositions } = start;
  const factor = required(fields, "factor", 1, MAX_FACTOR);
  const frequenciesOf = (length: number) => {
    const growth = (factor * length) / maxPositions - (factor - 1);
    return plain({ theta: theta * growth ** (width / (width - 2)), width });
  };
  return {
    rope: { frequencies: plain(start), factor: 1, beyond: { length: maxPositions, turnsAnew: false, frequenciesOf } },
    maxPositions: stretched(maxPositions, factor),
  };
}

/** Llama 3.1: slow pairs are slowed down, fast ones stay, those between are blended. */
function llama3(start: Start): ReadRope {
  const { fields, original, maxPositions } = start;
  const factor = required(fields, "factor", 1, MAX_FACTOR);
  const low = required(fields, "low_freq_factor", 1e-3, 1e6);
  const high = required(fields, "high_freq_factor", 1e-3, 1e6);
  if (high <= low) throw fields.unsupported("high_freq_factor", `a number above low_freq_factor ${low}`);
  const frequencies = plain(start).map((frequency) => {
    const turns = (original * frequency) / (2 * Math.PI);
    const kept = clamp01((turns - low) / (high - low));
    return (1 - kept) * (frequency / factor) + kept * frequency;
  });
  return { rope: { frequencies, factor: 1 }, maxPositions };
}

/** YaRN (Peng et al. 2023): as Llama 3.1 by number of pair, and logits grow with the context. */
function yarn(start: Start): ReadRope {
  const { fields, theta, width, original, maxPositions } = start;
  const factor = required(fields, "factor", 1, MAX_FACTOR);
  const slow = fields.number("beta_slow", 1, 1e-3, 1e6);
  const fast = fields.number("beta_fast", 32, 1e-3, 1e6);
  if (fast < slow) throw fields.unsupported("beta_fast", `a number of at least beta_slow ${slow}`);
  // The fractional pair that makes `turns` turns in the original context.
  const pairOf = (turns: number) => (width * Math.log(original / (2 * Math.PI * turns))) / (2 * Math.log(theta));
  const truncate = fields.boolean("truncate", true);
  const first = Math.max(0, truncate ? Math.floor(pairOf(fast)) : pairOf(fast));
  const last = Math.min(width - 1, truncate ? Math.ceil(pairOf(slow)) : pairOf(slow));
  const frequencies = plain(start).map((frequency, pair) => {
    const slowed = clamp01((pair - first) / (last === first ? 0.001 : last - first));
    return slowed * (frequency / factor) + (1 - slowed) * frequency;
  });
  return {
    rope: { frequencies, factor: yarnFactor(fields, factor) },
    maxPositions: Math.max(maxPositions, stretched(original, factor)),
  };
}

/** The factor on cosines and sines. transformers takes an mscale of 0 for a missing one. */
function yarnFactor(fields: ConfigFields, factor: number): number {
  const scaleOf = (mscale: number) => 0.1 * mscale * Math.log(factor) + 1;
  const mscale = fields.number("mscale", 0, 0, 1e3);
  const ofAllPairs = fields.number("mscale_all_dim", 0, 0, 1e3);
  const fallback = mscale > 0 && ofAllPairs > 0 ? scaleOf(mscale) / scaleOf(ofAllPairs) : scaleOf(1);
  return fields.number("attention_factor", fallback, 1e-3, 1e3);
}

/** LongRoPE (Ding et al. 2024): a learned factor for each pair, and other factors beyond the original length. */
function longrope(start: Start): ReadRope {
  const { fields, original, maxPositions } = start;
  const base = plain(start);
  const [short, long] = FACTOR_LISTS.map((name) => {
    const factors = numbers(fields, name, base.length);
    return base.map((frequency, pair) => frequency / factors[pair]!);
  }) as [number[], number[]];
  const growth = fields.number("factor", Math.max(1, maxPositions / original), 1, MAX_FACTOR);
  const factor = fields.number("attention_factor", Math.sqrt(1 + Math.log(growth) / Math.log(original)), 1e-3, 1e3);
  const beyond = { length: original, turnsAnew: true, frequenciesOf: () => long };
  return { rope: { frequencies: short, factor, beyond }, maxPositions };
}

/** A list of `count` factors. */
function numbers(fields: ConfigFields, name: string, count: number): readonly number[] {
  const value = fields.value(name);
  const fits = (factor: unknown) => typeof factor === "number" && factor >= 1e-3 && factor <= MAX_FACTOR;
  if (!Array.isArray(value) || value.length !== count || !value.every(fits))
    throw fields.unsupported(name, `a list of ${count} numbers from 1e-3 to ${MAX_FACTOR}`);
  return value;
}

function clamp01(value: number): number {
  return Math.min(1, Math.max(0, value));
}
