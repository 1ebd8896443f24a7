/** The options of `createRemote`: their types, checks and defaults. */
import type { PictureBudget } from "../api.ts";
import { checkFields } from "../shared/arguments.ts";
import { checkInteger } from "../shared/assert.ts";
import { shown } from "../shared/json.ts";
import { absoluteAddress } from "../shared/source.ts";
import { SERVERS, type ServerKind } from "./servers.ts";

/** How long a connection may be silent, in milliseconds. */
export interface RemoteTimeouts {
  /**
   * From the request to the headers of the answer, default 120000: a server may read the pictures before it sends them.
   */
  connectMs?: number;
  /** From the headers to the first byte, default 300000: the request may wait in the server's queue. */
  firstByteMs?: number;
  /** Between two parts of the answer, default 60000. */
  betweenBytesMs?: number;
  /** Without an event although bytes arrive, such as comments that keep a connection open; default 300000. */
  betweenEventsMs?: number;
}

export interface RemoteOptions {
  /**
   * Address of the server's interface, as OpenAI's client takes it: "https://host/v1". An address without a path gets
   * "/v1"; a relative one is relative to the page.
   */
  baseURL: string | URL;
  /** The model's name on the server. */
  model: string;
  /**
   * Sent as `Authorization: Bearer`. Kept in memory only, never part of a message. A page's visitors can read its keys.
   */
  apiKey?: string;
  /** Sent with every request. Treated as secrets, like the key. */
  headers?: Record<string, string>;
  /**
   * The server's program. It decides which fields outside OpenAI's interface exist. "auto", the default, asks the server
   * where a request needs such a field.
   */
  server?: "auto" | ServerKind;
  /**
   * Most pixels of a picture that is sent; larger ones are scaled down. Default 1048576. A request's
   * `pictures.maxPixels` wins.
   */
  maxPixels?: number;
  /**
   * Only with vLLM: `mm_processor_kwargs` of each request, the settings of the model's own picture processor. A
   * function gets the request's `pictures`, and so decides what `maxTiles` and `minPixels` mean for the model.
   */
  mmProcessorKwargs?: Record<string, unknown> | ((pictures: PictureBudget) => Record<string, unknown>);
  /** More fields of every request, such as `chat_template_kwargs`. Fields that Fovea sets are refused. */
  body?: Record<string, unknown>;
  /** Attempts to reach the server before an answer begins, default 3. */
  attempts?: number;
  /**
   * Longest pause between two attempts, in milliseconds, default 30000. A server that asks for a longer one fails the
   * request.
   */
  maxPauseMs?: number;
  timeouts?: RemoteTimeouts;
}

/** Options with their defaults. */
export interface CheckedOptions {
  base: URL;
  model: string;
  headers: Readonly<Record<string, string>>;
  /** Texts that no message may contain. */
  secrets: readonly string[];
  server: "auto" | ServerKind;
  maxPixels: number;
  mmProcessorKwargs: RemoteOptions["mmProcessorKwargs"];
  body: Readonly<Record<string, unknown>>;
  attempts: number;
  maxPauseMs: number;
  timeouts: Required<RemoteTimeouts>;
}

const FIELDS: readonly (keyof RemoteOptions)[] = [
  ...(["baseURL", "model", "apiKey", "headers", "server", "maxPixels", "mmProcessorKwargs", "body"] as const),
  ...(["attempts", "maxPauseMs", "timeouts"] as const),
];

/** Fields of a request that come from `generate`. */
const OWN_FIELDS = [
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"],
  ...["top_k", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs"],
  ...["top_logprobs", "seed", "stop", "response_format", "structured_outputs", "regex", "ebnf", "grammar", "n"],
  ...["mm_processor_kwargs", "tools", "tool_choice"],
];

const DEFAULT_TIMEOUTS = { connectMs: 120_000, firstByteMs: 300_000, betweenBytesMs: 60_000, betweenEventsMs: 300_000 };
const DEFAULT_PIXELS = 1024 * 1024;
const MIN_PIXELS = 64;
const MAX_DELAY_MS = 3_600_000;
/** Shorter values are too common to be taken out of messages. */
const MIN_SECRET = 6;

/** Throws TypeError or RangeError; no message contains a key or a header's value. */
export function checkRemoteOptions(options: RemoteOptions): CheckedOptions {
  checkFields("options", options, FIELDS);
  const { model, server = "auto", mmProcessorKwargs, body = {}, attempts = 3, maxPauseMs = 30_000 } = options;
  if (typeof model !== "string" || model.trim() === "" || model.length > 1000)
    throw new TypeError(`model must be the model's name on the server, got ${shown(model)}`);
  const kinds = ["auto", ...Object.keys(SERVERS)];
  if (!kinds.includes(server))
    throw new RangeError(`server must be ${kinds.map((kind) => `"${kind}"`).join(" or ")}, got ${shown(server)}`);
  if (mmProcessorKwargs !== undefined && typeof mmProcessorKwargs !== "function")
    checkFields("mmProcessorKwargs", mmProcessorKwargs);
  checkFields("body", body);
  const own = Object.keys(body).find((name) => OWN_FIELDS.includes(name));
  if (own) throw new TypeError(`body.${own} is set by Fovea; pass it to generate, or as an option`);
  const headers = headersOf(options);
  return {
    base: baseOf(options.baseURL),
    model: model.trim(),
    headers,
    secrets: secretsOf(headers),
    server,
    maxPixels: checkPixels(options.maxPixels ?? DEFAULT_PIXELS),
    mmProcessorKwargs,
    body: { ...body },
    attempts: checkInteger("attempts", attempts, 1, 10),
    maxPauseMs: checkInteger("maxPauseMs", maxPauseMs, 0, MAX_DELAY_MS),
    timeouts: timeoutsOf(options.timeouts),
  };
}

/** Throws RangeError for a number of pixels that no picture can be scaled to. */
export function checkPixels(pixels: unknown): number {
  return pixels === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : checkInteger("maxPixels", pixels, MIN_PIXELS);
}

function baseOf(address: unknown): URL {
  if (typeof address !== "string" && !(address instanceof URL))
    throw new TypeError(`baseURL must be an address such as "https://host/v1", got ${shown(address)}`);
  const text = absoluteAddress(String(address).trim());
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Not shown in messages: an address may contain a name and a password.
  if (!url || !/^https?:$/.test(url.protocol))
    throw new TypeError('baseURL must be an http(s) address such as "https://host/v1"');
  if (url.username !== "" || url.password !== "")
    throw new TypeError("baseURL must not contain a name or a password; pass the key as apiKey");
  url.hash = "";
  url.pathname = url.pathname.replace(/\/+$/, "") || "/v1";
  return url;
}

function headersOf({ apiKey, headers = {} }: RemoteOptions): Record<string, string> {
  if (apiKey !== undefined && !(typeof apiKey === "string" && /^[\x21-\x7e]{1,4096}$/.test(apiKey)))
    throw new TypeError("apiKey must be a string without spaces, as the server's owner gave it");
  checkFields("headers", headers);
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]{1,200}$/.test(name))
      throw new TypeError(`headers: ${shown(name)} is not a header's name`);
    if (typeof value !== "string" || !/^[\x20-\x7e]{1,4096}$/.test(value))
      throw new TypeError(`headers.${name} must be a string of printable ASCII characters`);
  }
  return { ...(apiKey !== undefined && { Authorization: `Bearer ${apiKey}` }), ...headers };
}

function secretsOf(headers: Record<string, string>): string[] {
  const values = Object.values(headers).flatMap((value) => [value, value.replace(/^\w+ /, "")]);
  return [...new Set(values)].filter((value) => value.length >= MIN_SECRET).sort((a, b) => b.length - a.length);
}

function timeoutsOf(given: RemoteTimeouts = {}): Required<RemoteTimeouts> {
  checkFields("timeouts", given, Object.keys(DEFAULT_TIMEOUTS));
  const timeouts = { ...DEFAULT_TIMEOUTS };
  for (const name of Object.keys(timeouts) as (keyof RemoteTimeouts)[])
    timeouts[name] = checkInteger(`timeouts.${name}`, given[name] ?? timeouts[name], 1, MAX_DELAY_MS);
  return timeouts;
}
