/** A pause that an abort ends. */

/** Resolves after the delay, or as soon as the signal fires. */
export function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    if (signal?.aborted) done();
    else signal?.addEventListener("abort", done);
  });
}
