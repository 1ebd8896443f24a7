/**
 * A request in OpenAI's shape, checked and turned into one of Fovea's. Three kinds of fields: those that are honoured;
 * those of a service's bookkeeping, which change no answer and are passed over; those that ask for something that Fovea
 * does not do, which are refused unless they hold the value that asks for nothing. All others are refused.
 */
import type { GenerateRequest } from "../api.ts";
import { invalid } from "./api-error.ts";
import { asFields, asList, asText, decimal, type Fields, field, flag, integer, onlyFields } from "./fields.ts";
import { readMessages } from "./messages.ts";
import type { FoveaSettings } from "./types.ts";

export interface CheckedRequest {
  /** The model's id, as it was asked for. */
  model: string;
  stream: boolean;
  includeUsage: boolean;
  /** Without a signal. */
  request: GenerateRequest;
}

const HONOURED = [
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"],
  ...["seed", "stop", "fovea"],
];
const PASSED_OVER = [
  ...["user", "safety_identifier", "metadata", "store", "service_tier", "prediction", "parallel_tool_calls"],
  ...["prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"],
];
/** Field -> whether a value of it asks for nothing, and that value in words. */
const NEUTRAL: Record<string, { isNeutral: (value: unknown) => boolean; only?: string }> = {
  n: only(1),
  logprobs: only(false),
  top_logprobs: only(0),
  frequency_penalty: only(0),
  presence_penalty: only(0),
  logit_bias: { isNeutral: isEmpty },
  tools: { isNeutral: isEmpty },
  functions: { isNeutral: isEmpty },
  tool_choice: { isNeutral: (value) => value === "none" || value === "auto" },
  function_call: { isNeutral: (value) => value === "none" || value === "auto" },
  response_format: {
    isNeutral: (value) => isObject(value) && Object.keys(value).length === 1 && value.type === "text",
    only: '{"type":"text"}',
  },
  modalities: {
    isNeutral: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
    only: '["text"]',
  },
  reasoning_effort: only("none"),
  verbosity: only("medium"),
  audio: { isNeutral: () => false },
  web_search_options: { isNeutral: () => false },
  moderation: { isNeutral: () => false },
};
const SETTINGS: readonly (keyof FoveaSettings)[] = ["compression", "inhibition", "topK", "repetitionPenalty"];

/** Of the sampler and of the counter of tokens. */
const MAX_INTEGER = 2 ** 31 - 1;
const MAX_STOPS = 4;
const MAX_STOP_LENGTH = 1024;

/** Throws ApiError of status 400 that names the field. */
export function readRequest(body: unknown): CheckedRequest {
  const fields = asFields(body, "body");
  onlyFields(fields, [...HONOURED, ...PASSED_OVER, ...Object.keys(NEUTRAL)]);
  for (const [name, { isNeutral, only }] of Object.entries(NEUTRAL)) {
    const value = field(fields, name);
    if (value === undefined || isNeutral(value)) continue;
    if (only === undefined) throw invalid(name, `'${name}' is not supported; leave it out`, "unsupported_parameter");
    throw invalid(
      name,
      `'${name}' is not supported with another value than ${only}; leave it out`,
      "unsupported_value",
    );
  }
  const stream = flag(fields, "stream");
  return {
    model: asText(field(fields, "model"), "model"),
    stream,
    includeUsage: readStreamOptions(fields, stream),
    request: {
      messages: readMessages(field(fields, "messages")),
      ...present("maxTokens", readMaxTokens(fields)),
      ...present("temperature", decimal(fields, "temperature", 0, 2)),
      ...present("topP", decimal(fields, "top_p", 0, 1)),
      ...present("stop", readStop(field(fields, "stop"))),
      seed: readSeed(fields),
      ...readSettings(field(fields, "fovea")),
    },
  };
}

function only(value: unknown) {
  return { isNeutral: (given: unknown) => given === value, only: JSON.stringify(value) };
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of a list or an object. */
function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** A field for a spread, unless there is no value. */
function present<Name extends string, Value>(name: Name, value: Value | undefined): { [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: Value });
}

function readStreamOptions(fields: Fields, stream: boolean): boolean {
  const value = field(fields, "stream_options");
  if (value === undefined) return false;
  if (!stream)
    throw invalid("stream_options", "'stream_options' is only allowed when 'stream' is true", "invalid_value");
  const options = asFields(value, "stream_options");
  // Padding against listeners on a network, of which there is none.
  onlyFields(options, ["include_usage", "include_obfuscation"], "stream_options");
  flag(options, "include_obfuscation", "stream_options.include_obfuscation");
  return flag(options, "include_usage", "stream_options.include_usage");
}

function readMaxTokens(fields: Fields): number | undefined {
  const older = integer(fields, "max_tokens", 1, MAX_INTEGER);
  const tokens = integer(fields, "max_completion_tokens", 1, MAX_INTEGER);
  if (older !== undefined && tokens !== undefined)
    throw invalid("max_tokens", "'max_tokens' and 'max_completion_tokens' mean the same; give one", "invalid_value");
  return tokens ?? older;
}

/** The low 32 bits, which is what the sampler takes. Without a seed, answers differ from each other, as OpenAI's do. */
function readSeed(fields: Fields): number {
  const seed = integer(fields, "seed", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return seed === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : seed >>> 0;
}

function readStop(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string") return [checkStop(value, "stop")];
  const list = asList(value, "stop");
  if (list.length > MAX_STOPS)
    throw invalid("stop", `'stop' must hold at most ${MAX_STOPS} texts, got ${list.length}`, "array_above_max_length");
  return Array.from(list, (text, i) => checkStop(asText(text, `stop[${i}]`), `stop[${i}]`));
}

function checkStop(text: string, param: string): string {
  if (text.length >= 1 && text.length <= MAX_STOP_LENGTH) return text;
  const message = `'${param}' must have 1 to ${MAX_STOP_LENGTH} characters, got ${text.length}`;
  throw invalid(param, message, "invalid_value");
}

/** Kinds of values only: what they mean to a model, the model checks. */
function readSettings(value: unknown): FoveaSettings {
  if (value === undefined) return {};
  const fields = asFields(value, "fovea");
  onlyFields(fields, SETTINGS, "fovea");
  const settings: Record<string, unknown> = {};
  for (const name of SETTINGS) {
    const setting = field(fields, name);
    if (setting === undefined) continue;
    settings[name] = name === "compression" || name === "inhibition" ? asFields(setting, `fovea.${name}`) : setting;
  }
  return settings;
}
