/** Failures of servers: the error class, and messages without secrets. */
import { FoveaError, type FoveaErrorCode } from "../errors.ts";

interface ServerErrorOptions {
  code?: FoveaErrorCode | undefined;
  status?: number | undefined;
  retryAfterMs?: number | undefined;
  partialText?: string | undefined;
  cause?: unknown;
}

/**
 * A request to a server failed. `code` is "server-failed", or "context-full" where the server says that the
 * conversation is too long. No message contains the key.
 */
export class ServerError extends FoveaError {
  /** HTTP status of the answer; undefined if none came. */
  readonly status: number | undefined;
  /** The pause that the server asks for before another request, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The text of the answer that came before the failure. */
  readonly partialText: string;

  constructor(message: string, options: ServerErrorOptions = {}) {
    super(options.code ?? "server-failed", message, { cause: options.cause });
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.partialText = options.partialText ?? "";
  }
}

const MAX_SHOWN = 300;

/** A server's words for a message: printable, on one line, at most 300 characters, every secret as "***". */
export function serverWords(text: string, secrets: readonly string[]): string {
  let safe = text;
  for (const secret of secrets) safe = safe.replaceAll(secret, "***");
  const line = safe.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return line.length <= MAX_SHOWN ? line : `${line.slice(0, MAX_SHOWN)}...`;
}

/** The message in a body of an error, in any of the forms that servers use; the text itself if it is in none. */
export function messageIn(body: string): string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // Pages of proxies: the tags say nothing.
    return /^\s*</.test(body) ? (/<title>([^<]{1,200})/i.exec(body)?.[1] ?? "") : body;
  }
  return messageOf(value) ?? body;
}

/** Servers nest an error in an error at most twice. */
const MAX_LEVELS = 4;

/** The message in an error that was read already; undefined if there is none. */
export function messageOf(value: unknown, level = 0): string | undefined {
  if (typeof value === "string") return value || undefined;
  if (typeof value !== "object" || value === null || level > MAX_LEVELS) return undefined;
  const { error, message, detail, msg } = value as Record<string, unknown>;
  for (const part of [error, message, msg, Array.isArray(detail) ? detail[0] : detail]) {
    const found = messageOf(part, level + 1);
    if (found) return found;
  }
  return undefined;
}

/** True if a server's words say that the conversation is too long for the model. */
export function saysContextFull(words: string): boolean {
  return /context[_ ](length|size|window)|maximum context|prompt is too long/i.test(words);
}
