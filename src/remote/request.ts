/** Checks a request and converts it to the body of OpenAI's chat completions. */
import type { AnswerFormat, GenerateRequest, Message, MessagePart, PictureBudget } from "../api.ts";
import { FoveaError } from "../errors.ts";
import { BUDGET_FIELDS } from "../known-fields.ts";
import { checkFields } from "../shared/arguments.ts";
import { checkInteger, checkNumber } from "../shared/assert.ts";
import { shown } from "../shared/json.ts";
import { isVideo } from "../video/has-video.ts";
import { type CheckedOptions, checkPixels } from "./options.ts";
import { type ExtraField, SERVERS, type ServerDialect } from "./servers.ts";
import { callFields, toolFields } from "./tools.ts";

type Body = Record<string, unknown>;

const MAX_INTEGER = 2 ** 31 - 1;

/** Names and ranges of the fields that OpenAI's interface has too. */
const NUMBERS: readonly { from: keyof GenerateRequest; to: string; min: number; max: number; isInteger?: true }[] = [
  { from: "topP", to: "top_p", min: 0, max: 1 },
  { from: "presencePenalty", to: "presence_penalty", min: -2, max: 2 },
  { from: "frequencyPenalty", to: "frequency_penalty", min: -2, max: 2 },
  { from: "seed", to: "seed", min: 0, max: 2 ** 32 - 1, isInteger: true },
];

/** The others: their neutral values change nothing and are not sent. */
const EXTRAS: Record<ExtraField, { neutral: number; min: number; max: number; isInteger?: true }> = {
  topK: { neutral: 0, min: 0, max: MAX_INTEGER, isInteger: true },
  minP: { neutral: 0, min: 0, max: 1 },
  repetitionPenalty: { neutral: 1, min: 0.01, max: 100 },
};

/** Fields that the server's program decides: the caller has to find out which it is. */
export function needsDialect(request: GenerateRequest, { mmProcessorKwargs }: CheckedOptions): boolean {
  const { format } = request;
  const isExtra = (Object.keys(EXTRAS) as ExtraField[]).some(
    (name) => request[name] !== undefined && request[name] !== EXTRAS[name].neutral,
  );
  return isExtra || mmProcessorKwargs !== undefined || (format !== undefined && !/^json/.test(format.type));
}

/**
 * The body without messages and model.
 *
 * @param dialect undefined where the server's program is unknown
 * @throws FoveaError `unsupported-model` for what the server cannot do; TypeError or RangeError for a wrong field
 */
export function requestBody(
  request: GenerateRequest,
  options: CheckedOptions,
  dialect: ServerDialect | undefined,
): Body {
  const { compression, inhibition, attention, topLogprobs, stop, logitBias, format, pictures = {} } = request;
  checkFields("pictures", pictures, BUDGET_FIELDS);
  if (compression !== undefined && compression.method !== "none")
    throw cannot(
      `compress pictures by "${compression.method}"`,
      "leave compression out; pictures.maxPixels makes pictures cheaper",
    );
  if (inhibition !== undefined && inhibition.maxRatio !== 0) throw cannot("inhibit attention", "leave inhibition out");
  if (request.documents?.length) throw cannot("be given documents", "write them into a message");
  if (attention) throw cannot("tell where an answer looked", "leave attention out");
  for (const name of dialect?.ignored ?? [])
    if (request[name] !== undefined && request[name] !== 0)
      throw cannot(`use ${name}: ${dialect!.name} ignores it`, `leave ${name} out, or use another server`);
  const settings = processorSettings(pictures, options, dialect);
  return {
    ...options.body,
    max_tokens: integer("maxTokens", request.maxTokens ?? 256, 1, MAX_INTEGER),
    temperature: number("temperature", request.temperature ?? 0, 0, 2),
    ...numbers(request),
    ...extras(request, dialect),
    ...(stop !== undefined && { stop: texts("stop", stop) }),
    ...(logitBias !== undefined && { logit_bias: biasOf(logitBias) }),
    ...(topLogprobs !== undefined && { logprobs: true, top_logprobs: integer("topLogprobs", topLogprobs, 0, 20) }),
    ...(format !== undefined && formatBody(format, dialect)),
    ...(settings && { mm_processor_kwargs: settings }),
    ...toolFields(request),
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** Pixels that a picture of this request may have. */
export function pixelsOf({ pictures }: Pick<GenerateRequest, "pictures">, options: CheckedOptions): number {
  return pictures?.maxPixels === undefined ? options.maxPixels : checkPixels(pictures.maxPixels);
}

/** The messages in OpenAI's form. @param urlOf makes a picture's data URL. @param signal ends the reading of videos */
export async function requestMessages(
  messages: readonly Message[],
  urlOf: (image: Extract<Message["content"][number], { type: "image" }>["image"]) => Promise<string>,
  signal?: AbortSignal,
): Promise<Body[]> {
  if (!Array.isArray(messages)) throw new TypeError(`messages must be a list, got ${shown(messages)}`);
  if (messages.length === 0) throw new RangeError("messages must hold at least one message, got none");
  return Promise.all(
    messages.map(async (message, i) => {
      const { role, content } = (message ?? {}) as Message;
      if (role !== "system" && role !== "user" && role !== "assistant" && role !== "tool")
        throw new TypeError(`messages[${i}].role must be "system", "user", "assistant" or "tool", got ${shown(role)}`);
      const calls = callFields(message, `messages[${i}]`);
      if (typeof content === "string") return { role, content, ...calls };
      if (!Array.isArray(content))
        throw new TypeError(`messages[${i}].content must be a string or a list of parts, got ${shown(content)}`);
      const parts = await Promise.all(content.map((part, k) => readPart(part, `messages[${i}].content[${k}]`)));
      return { role, content: parts.flat(), ...calls };
    }),
  );

  async function readPart(part: MessagePart, where: string): Promise<Body[]> {
    if (!isVideo(part)) return [await partOf(part, where)];
    // Servers take videos in ways of their own, if any; all that read pictures take several.
    const { PLAIN_RULE, stillParts } = await import("../video/video-parts.ts");
    const still = await stillParts(part, where, PLAIN_RULE, signal);
    return Promise.all(still.map((one) => partOf(one, where)));
  }

  async function partOf(part: MessagePart, where: string): Promise<Body> {
    if (typeof part === "object" && part?.type === "image")
      return { type: "image_url", image_url: { url: await urlOf(part.image) } };
    if (typeof part !== "object" || part?.type !== "text" || typeof part.text !== "string")
      throw new TypeError(
        `${where} must be { type: "text", text }, { type: "image", image } or { type: "video", video }, got ${shown(part)}`,
      );
    return { type: "text", text: part.text };
  }
}

/** The error for what a server cannot do. */
export function cannot(what: string, next: string): FoveaError {
  return new FoveaError("unsupported-model", `a model on a server cannot ${what}; ${next}`);
}

function numbers(request: GenerateRequest): Body {
  const body: Body = {};
  for (const { from, to, min, max, isInteger } of NUMBERS) {
    const value = request[from];
    if (value !== undefined) body[to] = (isInteger ? integer : number)(from, value, min, max);
  }
  return body;
}

function extras(request: GenerateRequest, dialect: ServerDialect | undefined): Body {
  const body: Body = {};
  for (const name of Object.keys(EXTRAS) as ExtraField[]) {
    const { neutral, min, max, isInteger } = EXTRAS[name];
    const value = request[name];
    if (value === undefined) continue;
    (isInteger ? integer : number)(name, value, min, max);
    if (value === neutral) continue;
    const field = dialect?.fields[name];
    if (!field)
      throw cannot(`use ${name}: ${unknownTo(dialect)}`, `leave ${name} out, or name the server's program as server`);
    body[field] = value;
  }
  return body;
}

function unknownTo(dialect: ServerDialect | undefined): string {
  return `${dialect?.name ?? SERVERS.openai.name} does not have it`;
}

function formatBody(format: AnswerFormat, dialect: ServerDialect | undefined): Body {
  checkFields("format", format);
  switch (format.type) {
    case "json":
      return { response_format: { type: "json_object" } };
    case "json-schema": {
      checkFields("format.schema", format.schema);
      return {
        response_format: { type: "json_schema", json_schema: { name: "answer", schema: format.schema, strict: true } },
      };
    }
    case "regex":
    case "choice":
    case "grammar": {
      if (format.type === "choice") texts("format.options", format.options);
      const body = dialect?.format?.(format);
      if (body) return body;
      throw cannot(
        `answer in the form "${format.type}": ${unknownTo(dialect)}`,
        'use "json-schema", or name the server\'s program as server',
      );
    }
    default:
      throw new RangeError(
        `format.type must be "json", "json-schema", "regex", "choice" or "grammar", got ${shown((format as Body).type)}`,
      );
  }
}

function processorSettings(
  pictures: PictureBudget,
  { mmProcessorKwargs }: CheckedOptions,
  dialect: ServerDialect | undefined,
): Body | undefined {
  const { maxTiles, minPixels } = pictures;
  const isFunction = typeof mmProcessorKwargs === "function";
  for (const [name, value] of Object.entries({ maxTiles, minPixels }))
    if (value !== undefined && !isFunction)
      throw cannot(`be told pictures.${name}`, "use pictures.maxPixels, or mmProcessorKwargs as a function with vLLM");
  if (mmProcessorKwargs === undefined) return undefined;
  if (!dialect?.hasProcessorSettings)
    throw cannot(`take mmProcessorKwargs: ${unknownTo(dialect)}`, 'leave it out, or say server: "vllm"');
  const settings = isFunction ? mmProcessorKwargs(pictures) : mmProcessorKwargs;
  checkFields("mmProcessorKwargs", settings);
  return settings;
}

function number(name: string, value: unknown, min: number, max: number): number {
  return checkNumber(name, ofTypeNumber(name, value), min, max);
}

function integer(name: string, value: unknown, min: number, max: number): number {
  return checkInteger(name, ofTypeNumber(name, value), min, max);
}

function ofTypeNumber(name: string, value: unknown): unknown {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, got ${shown(value)}`);
  return value;
}

function texts(name: string, value: unknown): string[] {
  if (!Array.isArray(value) || !value.every((text) => typeof text === "string" && text !== ""))
    throw new TypeError(`${name} must be a list of non-empty strings, got ${shown(value)}`);
  return value;
}

function biasOf(value: unknown): Body {
  checkFields("logitBias", value);
  for (const [id, added] of Object.entries(value as object)) {
    if (!/^\d{1,10}$/.test(id)) throw new RangeError(`logitBias must name token ids, got ${shown(id)}`);
    number(`logitBias[${id}]`, added, -100, 100);
  }
  return value as Body;
}
