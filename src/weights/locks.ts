/** Locks across the tabs and workers of an origin, where the browser supports them. */
import { FoveaError, throwIfAborted } from "../errors.ts";

/**
 * Waits for the lock of this name. Several holders may share a "shared" lock; an "exclusive" one has one holder.
 *
 * @returns A function that releases the lock; safe to call twice.
 * @throws FoveaError `aborted` if the signal fires first.
 */
export async function acquireLock(name: string, mode: LockMode, signal?: AbortSignal): Promise<() => void> {
  throwIfAborted(signal, "the wait for another tab");
  const locks = globalThis.navigator?.locks;
  if (!locks) return () => {};
  return new Promise((resolve, reject) => {
    const held = () => new Promise<void>((release) => resolve(() => release()));
    locks.request(name, { mode, ...(signal && { signal }) }, held).catch((cause: unknown) => {
      reject(new FoveaError("aborted", "aborted while waiting for another tab that loads the same model", { cause }));
    });
  });
}
