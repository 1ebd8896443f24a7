/**
 * Checks a request in OpenAI's shape and converts it to Fovea's. Some fields have an effect. A service's bookkeeping
 * fields are ignored. Unsupported fields are refused unless they hold their neutral value. Unknown fields are refused.
 */
import type { GenerateRequest } from "../api.ts";
import { invalid } from "./api-error.ts";
import {
  asFields,
  asList,
  asText,
  decimal,
  type Fields,
  field,
  flag,
  integer,
  onlyFields,
  shorten,
  wrongType,
} from "./fields.ts";
import { readMessages } from "./messages.ts";
import { readResponseFormat } from "./response-format.ts";
import { readToolChoice, readTools } from "./tools.ts";
import type { FoveaSettings } from "./types.ts";

export interface CheckedRequest {
  /** The requested model's id. */
  model: string;
  stream: boolean;
  includeUsage: boolean;
  /** Answers to give. */
  count: number;
  /** Without a signal. */
  request: GenerateRequest;
}

const SUPPORTED = [
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"],
  ...["seed", "stop", "n", "logprobs", "top_logprobs", "frequency_penalty", "presence_penalty", "logit_bias", "fovea"],
  ...["response_format", "tools", "tool_choice", "parallel_tool_calls"],
];
const IGNORED = [
  ...["user", "safety_identifier", "metadata", "store", "service_tier", "prediction"],
  ...["prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"],
];
/** Unsupported field -> test for its neutral value, and that value in words. */
const NEUTRAL: Record<string, { isNeutral: (value: unknown) => boolean; only?: string }> = {
  functions: { isNeutral: isEmpty },
  function_call: { isNeutral: (value) => value === "none" || value === "auto" },
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
const SETTINGS: readonly (keyof FoveaSettings)[] = [
  "compression",
  "inhibition",
  "topK",
  "minP",
  "repetitionPenalty",
  "documents",
];

/** Largest integer of the sampler and of token counts. */
const MAX_INTEGER = 2 ** 31 - 1;
const MAX_ANSWERS = 128;
const MAX_STOPS = 4;
const MAX_TOP_LOGPROBS = 20;
const MAX_STOP_LENGTH = 1024;

/** Throws an ApiError of status 400 that names the field. */
export function readRequest(body: unknown): CheckedRequest {
  const fields = asFields(body, "body");
  onlyFields(fields, [...SUPPORTED, ...IGNORED, ...Object.keys(NEUTRAL)]);
  for (const [name, { isNeutral, only }] of Object.entries(NEUTRAL)) {
    const value = field(fields, name);
    if (value === undefined || isNeutral(value)) continue;
    if (only === undefined) throw invalid(name, `'${name}' is not supported; leave it out`, "unsupported_parameter");
    throw invalid(name, `'${name}' supports only the value ${only}; leave it out`, "unsupported_value");
  }
  const stream = flag(fields, "stream");
  return {
    model: asText(field(fields, "model"), "model"),
    stream,
    includeUsage: readStreamOptions(fields, stream),
    count: integer(fields, "n", 1, MAX_ANSWERS) ?? 1,
    request: {
      messages: readMessages(field(fields, "messages")),
      ...present("maxTokens", readMaxTokens(fields)),
      ...present("temperature", decimal(fields, "temperature", 0, 2)),
      ...present("topP", decimal(fields, "top_p", 0, 1)),
      ...present("presencePenalty", decimal(fields, "presence_penalty", -2, 2)),
      ...present("frequencyPenalty", decimal(fields, "frequency_penalty", -2, 2)),
      ...present("logitBias", readBias(field(fields, "logit_bias"))),
      ...present("topLogprobs", readLogprobs(fields)),
      ...readToolFields(fields),
      ...present("format", readResponseFormat(field(fields, "response_format"))),
      ...present("stop", readStop(field(fields, "stop"))),
      seed: readSeed(fields),
      ...readSettings(field(fields, "fovea")),
    },
  };
}

/** Without tools, their choice says nothing, but for one that asks for a call. */
function readToolFields(fields: Fields): Pick<GenerateRequest, "tools" | "toolChoice" | "parallelToolCalls"> {
  const tools = readTools(field(fields, "tools"));
  const choice = readToolChoice(field(fields, "tool_choice"));
  const isParallel =
    field(fields, "parallel_tool_calls") === undefined ? undefined : flag(fields, "parallel_tool_calls");
  if (!tools) return choice === undefined || choice === "none" ? {} : { toolChoice: choice };
  return { tools, ...present("toolChoice", choice), ...present("parallelToolCalls", isParallel) };
}

function only(value: unknown) {
  return { isNeutral: (given: unknown) => given === value, only: JSON.stringify(value) };
}

/** True if a list or an object is empty. */
function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** A field to spread; none if the value is undefined. */
function present<Name extends string, Value>(name: Name, value: Value | undefined): { [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: Value });
}

function readStreamOptions(fields: Fields, stream: boolean): boolean {
  const value = field(fields, "stream_options");
  if (value === undefined) return false;
  if (!stream)
    throw invalid("stream_options", "'stream_options' is only allowed when 'stream' is true", "invalid_value");
  const options = asFields(value, "stream_options");
  // Obfuscation pads chunks against network observers; there is no network here.
  onlyFields(options, ["include_usage", "include_obfuscation"], "stream_options");
  flag(options, "include_obfuscation", "stream_options.include_obfuscation");
  return flag(options, "include_usage", "stream_options.include_usage");
}

function readMaxTokens(fields: Fields): number | undefined {
  const older = integer(fields, "max_tokens", 1, MAX_INTEGER);
  const tokens = integer(fields, "max_completion_tokens", 1, MAX_INTEGER);
  if (older !== undefined && tokens !== undefined)
    throw invalid("max_tokens", "'max_tokens' and 'max_completion_tokens' mean the same; pass one", "invalid_value");
  return tokens ?? older;
}

/** The sampler's 32-bit seed: random without one, so that answers are reproducible only with a seed. */
function readSeed(fields: Fields): number {
  const seed = integer(fields, "seed", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return seed === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : seed >>> 0;
}

/** The model checks ids and values. */
function readBias(value: unknown): Record<number, number> | undefined {
  if (value === undefined) return undefined;
  const bias = asFields(value, "logit_bias");
  for (const [id, added] of Object.entries(bias))
    if (typeof added !== "number") throw wrongType(`logit_bias.${shorten(id)}`, "a number", added);
  return isEmpty(bias) ? undefined : (bias as Record<number, number>);
}

function readLogprobs(fields: Fields): number | undefined {
  const count = integer(fields, "top_logprobs", 0, MAX_TOP_LOGPROBS);
  if (flag(fields, "logprobs")) return count ?? 0;
  if (count) throw invalid("top_logprobs", "'top_logprobs' is only allowed when 'logprobs' is true", "invalid_value");
  return undefined;
}

function readStop(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string") return [checkStop(value, "stop")];
  const list = asList(value, "stop");
  if (list.length > MAX_STOPS)
    throw invalid(
      "stop",
      `'stop' must have at most ${MAX_STOPS} strings, got ${list.length}`,
      "array_above_max_length",
    );
  return Array.from(list, (text, i) => checkStop(asText(text, `stop[${i}]`), `stop[${i}]`));
}

function checkStop(text: string, param: string): string {
  if (text.length >= 1 && text.length <= MAX_STOP_LENGTH) return text;
  const message = `'${param}' must have 1 to ${MAX_STOP_LENGTH} characters, got ${text.length}`;
  throw invalid(param, message, "invalid_value");
}

/** Checks the kinds of values only; the model checks the values. */
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
