/** Reads one event of a streamed answer. Everything of a wrong kind is refused or passed over; nothing is trusted. */
import type { AnswerToken, TokenProbability } from "../api.ts";
import { isJsonObject } from "../shared/json.ts";
import { messageOf } from "./server-error.ts";
import { type CallDelta, readCallDeltas } from "./tools.ts";

/** The parts of an event that matter. */
export interface Chunk {
  text: string;
  tokens: AnswerToken[];
  calls: CallDelta[];
  /** Undefined until the last event of the answer. */
  finish: string | undefined;
  usage: Usage | undefined;
  /** The server's words about a failure. */
  error: string | undefined;
}

export interface Usage {
  promptTokens: number;
  newTokens: number;
  cachedTokens: number;
}

const encoder = new TextEncoder();

export function readChunk(value: unknown): Chunk {
  const event = fields(value);
  const error = event.error ? (messageOf(event.error) ?? "an error without a message") : undefined;
  const choices: unknown[] = Array.isArray(event.choices) ? event.choices : [];
  // One answer was asked for; an event with the usage has none.
  const choice = fields(choices.find((one) => (fields(one).index ?? 0) === 0));
  const { content, tool_calls: calls } = fields(choice.delta ?? choice.message);
  const { finish_reason: finish } = choice;
  return {
    text: textOf(content),
    tokens: readTokens(fields(choice.logprobs).content),
    calls: readCallDeltas(calls),
    finish: typeof finish === "string" ? finish.slice(0, 60) : undefined,
    usage: readUsage(event.usage),
    error,
  };
}

/** Some servers send a list of parts; those that are no text, such as thoughts, are passed over. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts = content
    .map((part) => fields(part))
    .filter(({ type, text }) => type === "text" && typeof text === "string");
  return texts.map(({ text }) => text).join("");
}

function readUsage(value: unknown): Usage | undefined {
  if (!isJsonObject(value)) return undefined;
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = value;
  return {
    promptTokens: count(prompt_tokens),
    newTokens: count(completion_tokens),
    cachedTokens: count(fields(prompt_tokens_details).cached_tokens),
  };
}

/** 2 ** 40 tokens are more than any model reads. */
function count(value: unknown): number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 2 ** 40 ? value : 0;
}

function readTokens(value: unknown): AnswerToken[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((token) => {
    const read = readToken(token);
    const { top_logprobs: top } = fields(token);
    return read.map((own) => ({ ...own, top: Array.isArray(top) ? top.slice(0, 20).flatMap(readToken) : [] }));
  });
}

/** No token where the fields are of a wrong kind. */
function readToken(value: unknown): TokenProbability[] {
  const { token, logprob, bytes } = fields(value);
  if (typeof token !== "string" || typeof logprob !== "number" || Number.isNaN(logprob)) return [];
  const isBytes = Array.isArray(bytes) && bytes.length <= 1024 && bytes.every((byte) => Number.isInteger(byte));
  // Servers tell no ids.
  return [{ id: -1, text: token, bytes: isBytes ? Uint8Array.from(bytes) : encoder.encode(token), logprob }];
}

function fields(value: unknown): Record<string, unknown> {
  return isJsonObject(value) ? value : {};
}
