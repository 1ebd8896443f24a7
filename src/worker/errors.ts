/** Errors across the worker boundary: class, code and message are kept; the stack is the worker's. */
import { FoveaError } from "../errors.ts";
import type { SentError } from "./protocol.ts";

const CLASSES: Record<string, new (message: string) => Error> = { TypeError, RangeError };

export function packError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: undefined, code: undefined };
  const { name, message, stack } = error;
  const { code, overflow } = error instanceof FoveaError ? error : {};
  return { name, message, stack, code, ...(overflow && { overflow }) };
}

/** @param cause the reason that the page knows, such as that of its signal */
export function unpackError({ name, message, stack, code, overflow }: SentError, cause?: unknown): Error {
  const error = code
    ? new FoveaError(code, message, { ...(cause !== undefined && { cause }), overflow })
    : new (CLASSES[name] ?? Error)(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
