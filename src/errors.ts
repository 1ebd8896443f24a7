/**
 * The one error class that Fovea throws, apart from `TypeError` and `RangeError` for wrong arguments. Its `code` survives
 * a worker boundary.
 */

/** The kind of failure, as a stable string that callers may branch on. */
export type FoveaErrorCode =
  | "no-webgpu"
  | "device-lost"
  | "out-of-memory"
  | "download-failed"
  | "hash-mismatch"
  | "bad-weights"
  | "unsupported-model"
  | "context-full"
  | "server-failed"
  | "bad-image"
  | "aborted"
  | "disposed";

/** Why a conversation does not fit: what could be left out of it. */
export interface ContextOverflow {
  /** Tokens of the prompt. */
  promptTokens: number;
  /** Tokens that the context holds. */
  contextLength: number;
}

/**
 * An error with a code. The message says what failed, where, the numbers, and the next step.
 *
 * @example `throw new FoveaError("bad-weights", "model.safetensors: the header has 900 bytes, the whole file 12")`
 */
export class FoveaError extends Error {
  override readonly name = "FoveaError";
  readonly code: FoveaErrorCode;
  /** Of `context-full`, where the prompt alone is too long. */
  readonly overflow: ContextOverflow | undefined;

  /** @param message cut in its middle if it is longer than 1000 characters, as untrusted names may be */
  constructor(
    code: FoveaErrorCode,
    message: string,
    options: { cause?: unknown; overflow?: ContextOverflow | undefined } = {},
  ) {
    super(cutMiddle(message), "cause" in options ? { cause: options.cause } : {});
    this.code = code;
    this.overflow = options.overflow;
  }
}

const SHOWN_START = 700;
const SHOWN_END = 300;

function cutMiddle(message: string): string {
  if (message.length <= SHOWN_START + SHOWN_END) return message;
  // The next step is at the end.
  return `${message.slice(0, SHOWN_START)} ... ${message.slice(-SHOWN_END)}`;
}

/** The error of every call after its engine was disposed. */
export function disposedError(): FoveaError {
  return new FoveaError("disposed", "this engine was disposed; load the model again");
}

/** The error of a model whose arithmetic overflows. @param what "logits", ... */
export function notFiniteError(what: string): FoveaError {
  return new FoveaError(
    "bad-weights",
    `the model's ${what} are not finite (NaN or infinity): its weights are damaged, or overflow in this arithmetic; load it with precision "f32" and weights "f32", or use another export of the model`,
  );
}

/**
 * Waits for `promise`, but throws `aborted` as soon as the signal fires: for work that cannot be cancelled. The work
 * keeps running; its result is ignored.
 */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined, stage: string): Promise<T> {
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new FoveaError("aborted", `aborted during ${stage}`, { cause: signal?.reason }));
  });
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  try {
    // First in the list, so that it wins over a promise that is already settled.
    return await Promise.race([aborted, promise]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Waits for `promise` for at most `timeoutMs`, then throws `error()`. The work keeps running; its result is ignored. */
export async function orTimedOut<T>(promise: Promise<T>, timeoutMs: number, error: () => FoveaError): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(error()), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws `aborted` if the signal has fired; `stage` names the interrupted work ("download", "prefill", ...). */
export function throwIfAborted(signal: AbortSignal | undefined, stage: string): void {
  if (signal?.aborted) throw new FoveaError("aborted", `aborted during ${stage}`, { cause: signal.reason });
}
