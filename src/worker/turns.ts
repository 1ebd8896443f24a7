/**
 * Turns on the GPU: one task at a time in this worker, and one tab at a time. Two answers at once would each be half as
 * fast and need twice the memory. Tabs use Web Locks, which the browser also releases when a tab closes or crashes. A
 * lock is held for one task, so tabs take turns.
 */
import { Lock } from "../engine/lock.ts";

/**
 * The name of the lock. Loads take none: a tab must not wait for another tab's download, nor for its model's template.
 */
const LOCK = "fovea-gpu";

const NEVER = new AbortController().signal;

export class Turns {
  readonly #lock = new Lock();
  readonly #onWait: (waiting: boolean) => void;

  /** @param onWait called with true when a task waits for another tab, and with false when the wait ends */
  constructor(onWait: (waiting: boolean) => void) {
    this.#onWait = onWait;
  }

  /**
   * Runs `task` when the earlier ones of this worker have ended, however they ended. A task whose signal fires before
   * runs at once: it only reports that it was aborted.
   */
  inOrder<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return orAtOnce(task, signal, (begin) => this.#lock.run(begin, signal));
  }

  /** Runs `task` when no other tab uses the GPU. Also runs a task whose signal fires before. */
  amongTabs<T>(task: () => Promise<T>, signal: AbortSignal = NEVER): Promise<T> {
    return orAtOnce(task, signal, (begin) => this.#amongTabs(begin, signal));
  }

  async #amongTabs<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const locks = globalThis.navigator?.locks;
    if (!locks || signal.aborted) return task();
    const done = await locks.request(LOCK, { ifAvailable: true }, async (lock) => lock && { value: await task() });
    if (done) return done.value;
    let waiting = true;
    const endWait = () => {
      if (waiting) this.#onWait(false);
      waiting = false;
    };
    this.#onWait(true);
    try {
      return await locks.request(LOCK, { signal }, () => {
        endWait();
        return task();
      });
    } finally {
      endWait();
    }
  }
}

/** Lets `wait` begin the task; begins it at once where the wait is aborted or not allowed. */
async function orAtOnce<T>(
  task: () => Promise<T>,
  signal: AbortSignal,
  wait: (begin: () => Promise<T>) => Promise<T>,
): Promise<T> {
  let begun = false;
  const begin = () => {
    begun = true;
    return task();
  };
  try {
    return await wait(begin);
  } catch (error) {
    if (begun || !(signal.aborted || isDenied(error))) throw error;
    return task();
  }
}

/** True if locks are not allowed, as in a frame without an origin. */
function isDenied(error: unknown): boolean {
  return error instanceof DOMException && error.name === "SecurityError";
}
