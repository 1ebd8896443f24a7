/** The fields of a request that steer sampling, checked and filled in. Draws nothing. */

import { checkInteger, checkNumber } from "../shared/assert.ts";
import { show } from "../text/json.ts";

/** As in the public GenerateRequest, of which these are fields. */
export interface SamplingRequest {
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  topK?: number | undefined;
  topP?: number | undefined;
  repetitionPenalty?: number | undefined;
  seed?: number | undefined;
  stop?: readonly string[] | undefined;
}

export interface SamplingSettings {
  /** New tokens at most. */
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** 0 keeps all. */
  readonly topK: number;
  /** 1 keeps all. */
  readonly topP: number;
  /** 1 changes nothing. */
  readonly repetitionPenalty: number;
  /** An integer of 32 bits, what the sampler's generator takes. */
  readonly seed: number;
  readonly stop: readonly string[];
}

const MAX_INTEGER = 2 ** 31 - 1;
const MAX_STOP_STRINGS = 64;
const MAX_STOP_LENGTH = 1024;

/**
 * @throws TypeError for a value of another type, RangeError for one out of range; both name field, value and range
 */
export function resolveSampling(request: SamplingRequest): SamplingSettings {
  return {
    maxTokens: integer("maxTokens", request.maxTokens, 256, 1, MAX_INTEGER),
    temperature: number("temperature", request.temperature, 0, 0, 100),
    topK: integer("topK", request.topK, 0, 0, MAX_INTEGER),
    topP: number("topP", request.topP, 1, 0, 1),
    repetitionPenalty: number("repetitionPenalty", request.repetitionPenalty, 1, 0.01, 100),
    seed: integer("seed", request.seed, 0, 0, 2 ** 32 - 1),
    stop: stopStrings(request.stop),
  };
}

function number(name: string, value: unknown, fallback: number, min: number, max: number): number {
  return value === undefined ? fallback : checkNumber(name, ofTypeNumber(name, value), min, max);
}

function integer(name: string, value: unknown, fallback: number, min: number, max: number): number {
  return value === undefined ? fallback : checkInteger(name, ofTypeNumber(name, value), min, max);
}

function ofTypeNumber(name: string, value: unknown): unknown {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, got ${show(value)}`);
  return value;
}

function stopStrings(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new TypeError(`stop must be a list of texts, got ${show(value)}`);
  if (value.length > MAX_STOP_STRINGS)
    throw new RangeError(`stop must hold at most ${MAX_STOP_STRINGS} texts, got ${value.length}`);
  return value.map((text: unknown, i) => {
    if (typeof text !== "string") throw new TypeError(`stop[${i}] must be a text, got ${show(text)}`);
    if (text.length < 1 || text.length > MAX_STOP_LENGTH)
      throw new RangeError(`stop[${i}] must have 1 to ${MAX_STOP_LENGTH} characters, got ${text.length}`);
    return text;
  });
}
