/** Checks the sampling fields of a request and fills in their defaults. */

import { MAX_TOP_LOGPROBS } from "../kernels/top-logprobs.ts";
import { checkInteger, checkNumber } from "../shared/assert.ts";
import { show } from "../text/json.ts";

/** As in the public GenerateRequest, of which these are fields. */
export interface SamplingRequest {
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  topK?: number | undefined;
  topP?: number | undefined;
  minP?: number | undefined;
  repetitionPenalty?: number | undefined;
  presencePenalty?: number | undefined;
  frequencyPenalty?: number | undefined;
  logitBias?: Readonly<Record<number, number>> | undefined;
  topLogprobs?: number | undefined;
  seed?: number | undefined;
  stop?: readonly string[] | undefined;
}

export interface SamplingSettings {
  /** The most new tokens. */
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** 0 keeps all. */
  readonly topK: number;
  /** 1 keeps all. */
  readonly topP: number;
  /** 0 keeps all. */
  readonly minP: number;
  /** 1 changes nothing. */
  readonly repetitionPenalty: number;
  /** For both penalties 0 changes nothing. */
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly logitBias: ReadonlyMap<number, number>;
  /** Undefined reports no log-probabilities. */
  readonly topLogprobs: number | undefined;
  /** A 32-bit integer, for the sampler's generator. */
  readonly seed: number;
  readonly stop: readonly string[];
}

const MAX_INTEGER = 2 ** 31 - 1;
const MAX_STOP_STRINGS = 64;
const MAX_STOP_LENGTH = 1024;

/**
 * @param vocabularySize ids that a bias may name are below it
 * @throws TypeError for a value of another type, RangeError for one out of range; both name field, value and range
 */
export function resolveSampling(request: SamplingRequest, vocabularySize = MAX_INTEGER): SamplingSettings {
  return {
    maxTokens: integer("maxTokens", request.maxTokens, 256, 1, MAX_INTEGER),
    temperature: number("temperature", request.temperature, 0, 0, 100),
    topK: integer("topK", request.topK, 0, 0, MAX_INTEGER),
    topP: number("topP", request.topP, 1, 0, 1),
    minP: number("minP", request.minP, 0, 0, 1),
    repetitionPenalty: number("repetitionPenalty", request.repetitionPenalty, 1, 0.01, 100),
    presencePenalty: number("presencePenalty", request.presencePenalty, 0, -2, 2),
    frequencyPenalty: number("frequencyPenalty", request.frequencyPenalty, 0, -2, 2),
    logitBias: logitBias(request.logitBias, vocabularySize),
    topLogprobs:
      request.topLogprobs === undefined
        ? undefined
        : integer("topLogprobs", request.topLogprobs, 0, 0, MAX_TOP_LOGPROBS),
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

/** Bounds as OpenAI's: -100 practically bans a token. */
const MAX_BIAS = 100;
const MAX_BIASED = 65_536;

function logitBias(value: unknown, vocabularySize: number): ReadonlyMap<number, number> {
  const bias = new Map<number, number>();
  if (value === undefined) return bias;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`logitBias must be an object of token id -> number, got ${show(value)}`);
  const entries = Object.entries(value);
  if (entries.length > MAX_BIASED)
    throw new RangeError(`logitBias must name at most ${MAX_BIASED} tokens, got ${entries.length}`);
  for (const [key, added] of entries) {
    const id = /^\d{1,10}$/.test(key) ? Number(key) : Number.NaN;
    if (!(id < vocabularySize))
      throw new RangeError(`logitBias must name ids from 0 to ${vocabularySize - 1}, got ${show(key)}`);
    bias.set(id, number(`logitBias[${id}]`, added, 0, -MAX_BIAS, MAX_BIAS));
  }
  return bias;
}

function stopStrings(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new TypeError(`stop must be a list of strings, got ${show(value)}`);
  if (value.length > MAX_STOP_STRINGS)
    throw new RangeError(`stop must hold at most ${MAX_STOP_STRINGS} texts, got ${value.length}`);
  return value.map((text: unknown, i) => {
    if (typeof text !== "string") throw new TypeError(`stop[${i}] must be a string, got ${show(text)}`);
    if (text.length < 1 || text.length > MAX_STOP_LENGTH)
      throw new RangeError(`stop[${i}] must have 1 to ${MAX_STOP_LENGTH} characters, got ${text.length}`);
    return text;
  });
}
