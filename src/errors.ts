/**
 * The one error class that Fovea throws for everything that is not a misuse of an argument.
 * Misuse is a `TypeError` or `RangeError`; everything else carries a `code` that survives a worker boundary.
 */

/** What went wrong, as a stable word that callers may branch on. */
export type FoveaErrorCode =
  | "no-webgpu"
  | "device-lost"
  | "out-of-memory"
  | "download-failed"
  | "hash-mismatch"
  | "bad-weights"
  | "unsupported-model"
  | "context-full"
  | "bad-image"
  | "aborted"
  | "disposed";

/**
 * An error with a code. The message says what failed, where, the numbers, and the next step.
 *
 * @example `throw new FoveaError("bad-weights", 'model.safetensors: header of 2^63 bytes, file has 12')`
 */
export class FoveaError extends Error {
  override readonly name = "FoveaError";
  readonly code: FoveaErrorCode;

  constructor(code: FoveaErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** What every call gets once its engine was disposed. */
export function disposedError(): FoveaError {
  return new FoveaError("disposed", "this engine was disposed; load the model again");
}

/**
 * Waits for `promise`, but no longer than until the signal fires, and throws `aborted` then: for work that cannot be
 * called back. Such work runs on, and how it ends is nobody's concern any more.
 */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined, stage: string): Promise<T> {
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new FoveaError("aborted", `aborted during ${stage}`, { cause: signal?.reason }));
  });
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  try {
    // First, so that it wins over a promise that is settled already.
    return await Promise.race([aborted, promise]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Throws `aborted` if the signal has fired; `stage` says what was cut short ("download", "prefill", ...). */
export function throwIfAborted(signal: AbortSignal | undefined, stage: string): void {
  if (signal?.aborted) throw new FoveaError("aborted", `aborted during ${stage}`, { cause: signal.reason });
}
