/**
 * Rotary positions on three axes, time, row and column (M-RoPE, arXiv 2409.12191): the axis of each pair of channels.
 * Source: transformers, `modeling_qwen2_vl.py`, `modeling_qwen3_vl.py`.
 */
import type { DecoderSpec } from "../../spec/model-spec.ts";
import type { ConfigFields } from "../fields.ts";

/**
 * The order of a config's sections in a head. "chunked": the first pairs turn by time, those after them by row, the
 * last by column. "interleaved": row and column have every third pair up to three times their section, and time the
 * others.
 */
export type SectionOrder = "chunked" | "interleaved";

const SCALINGS = ["rope_scaling", "rope_parameters"];

/** Moves `mrope_section` to the top level, where `axesOfPairs` reads it; the rest is an ordinary RoPE. */
export function respellSections(fields: ConfigFields): ConfigFields {
  const values: Record<string, unknown> = Object.fromEntries(fields.entries());
  for (const name of SCALINGS.toReversed()) {
    const scaling = fields.object(name);
    if (!scaling) continue;
    const { mrope_section: section, mrope_interleaved: _, ...rest } = Object.fromEntries(scaling.entries());
    for (const kind of ["type", "rope_type"]) if (rest[kind] === "mrope") rest[kind] = "default";
    values[name] = rest;
    if (section !== undefined && section !== null) values.mrope_section = section;
  }
  return fields.with(values);
}

/**
 * The decoder with positions on three axes.
 *
 * @param fields the result of `respellSections`
 * @param fallback sections of the config class
 * @throws FoveaError `unsupported-model`
 */
export function withSections(
  decoder: DecoderSpec,
  fields: ConfigFields,
  order: SectionOrder,
  fallback: readonly number[],
): DecoderSpec {
  const pairs = decoder.rope.frequencies.length;
  const sections = fields.value("mrope_section") ?? fallback;
  const isSection = (count: unknown) => Number.isInteger(count) && (count as number) >= 1 && (count as number) <= pairs;
  const isRight = Array.isArray(sections) && sections.length === 3 && sections.every(isSection);
  if (!isRight || sections.reduce((sum: number, count: number) => sum + count, 0) !== pairs)
    throw fields.unsupported("mrope_section", `three positive integers that add up to the ${pairs} pairs of a head`);
  const axisOfPair = order === "chunked" ? chunked(sections) : interleaved(sections, pairs);
  return { ...decoder, rope: { ...decoder.rope, axisOfPair } };
}

function chunked(sections: readonly number[]): number[] {
  return sections.flatMap((count, axis) => new Array<number>(count).fill(axis));
}

function interleaved(sections: readonly number[], pairs: number): number[] {
  return Array.from({ length: pairs }, (_, pair) => {
    const axis = pair % 3;
    return pair < 3 * sections[axis]! ? axis : 0;
  });
}
