/**
 * The number and pauses of retries after failed transfers. http.ts and url-source.ts throw a TransientFailure if a
 * retry may help.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { pause } from "../shared/pause.ts";

export interface RetryPolicy {
  /** Attempts in total, while there is no progress. */
  attempts: number;
  /** Pause before the second attempt; it doubles with each further one. */
  firstDelayMs: number;
  /** Longest pause, even if the server asks for more. */
  maxDelayMs: number;
  /** A connection is broken if nothing arrives for this long. */
  stallMs: number;
}

/** Pauses of 0.3, 0.6, 1.2 and 2.4 s: long enough for a change of network, short enough to wait. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 5,
  firstDelayMs: 300,
  maxDelayMs: 10_000,
  stallMs: 30_000,
};

/** Progress that resets the count of failures, so that a long download survives many short breaks. */
const PROGRESS_BYTES = 1 << 20;

/** A failure that a retry may cure. Never leaves this room: `Retries` turns the last one into a FoveaError. */
export class TransientFailure extends Error {
  /** The pause that the server asked for, if any. */
  readonly retryAfterMs: number | undefined;
  /** The user's next step when no attempt helped. */
  readonly advice: string;

  constructor(message: string, options?: { cause?: unknown; retryAfterMs?: number | undefined; advice?: string }) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
    this.advice = options?.advice ?? "check the connection and the address, then load again";
  }
}

/** The count of failures of one transfer. */
export class Retries {
  readonly #policy: RetryPolicy;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;
  #bytesSinceFailure = 0;

  constructor(policy: RetryPolicy, signal: AbortSignal | undefined) {
    this.#policy = policy;
    this.#signal = signal;
  }

  /** Counts arrived bytes. */
  progressed(byteLength: number): void {
    this.#bytesSinceFailure += byteLength;
    if (this.#bytesSinceFailure >= PROGRESS_BYTES) this.#failures = 0;
  }

  /**
   * Waits until the next attempt. Rethrows a failure that is not transient; throws `download-failed` after the last
   * attempt, and `aborted` as soon as the signal fires.
   */
  async afterFailure(failure: unknown): Promise<void> {
    if (!(failure instanceof TransientFailure)) throw failure;
    throwIfAborted(this.#signal, "download");
    this.#failures++;
    this.#bytesSinceFailure = 0;
    const { attempts, firstDelayMs, maxDelayMs } = this.#policy;
    if (this.#failures >= attempts)
      throw new FoveaError(
        "download-failed",
        `${failure.message}; gave up after ${attempts} attempts; ${failure.advice}`,
        { cause: failure },
      );
    const delayMs = failure.retryAfterMs ?? firstDelayMs * 2 ** (this.#failures - 1);
    await pause(Math.min(delayMs, maxDelayMs), this.#signal);
    throwIfAborted(this.#signal, "download");
  }
}
