/** Locks that hold across the tabs and workers of an origin, where the browser has them. */
import { FoveaError, throwIfAborted } from "../errors.ts";

/**
 * Waits for the lock of this name. "shared" ones are held together, an "exclusive" one alone.
 *
 * @returns How to let go of it; safe to call twice.
 * @throws FoveaError `aborted` if the signal fires first.
 */
export async function acquireLock(name: string, mode: LockMode, signal?: AbortSignal): Promise<() => void> {
  throwIfAborted(signal, "waiting for another tab");
  const locks = globalThis.navigator?.locks;
  if (!locks) return () => {};
  return new Promise((resolve, reject) => {
    const held = () => new Promise<void>((release) => resolve(() => release()));
    locks.request(name, { mode, ...(signal && { signal }) }, held).catch((cause: unknown) => {
      reject(new FoveaError("aborted", "aborted during waiting for another tab that loads the same model", { cause }));
    });
  });
}
