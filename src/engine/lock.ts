/** One task at a time: the engine's buffers serve one answer after another. */
import { FoveaError } from "../errors.ts";

export class Lock {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `task` when all earlier ones have ended, however they ended. Throws FoveaError `aborted` as soon as `signal`
   * fires while waiting.
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const previous = this.#last;
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#last = previous.then(() => held);
    try {
      await waitOrAbort(previous, signal);
      return await task();
    } finally {
      release();
    }
  }
}

/** Waits for `promise`, at most until the signal fires. */
async function waitOrAbort(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) {
    await promise;
    return;
  }
  let onAbort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () =>
      reject(new FoveaError("aborted", "aborted while waiting for an earlier answer", { cause: signal.reason }));
  });
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
