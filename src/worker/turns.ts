/**
 * Turns on the GPU: one task at a time in this worker, and one tab at a time. Two answers at once would each be half as
 * fast and need twice the memory. Tabs use Web Locks, which the browser also releases when a tab closes or crashes. A lock
 * is held for one task, so tabs take turns.
 */
import { Lock } from "../engine/lock.ts";

/** One lock per kind of work. Loads have their own: a slow download must not block another tab's answers. */
export type Work = "fovea-load" | "fovea-gpu";

export class Turns {
  readonly #lock = new Lock();
  readonly #onWait: (waiting: boolean) => void;

  /** @param onWait called with true when a task waits for another tab, and with false when the wait ends */
  constructor(onWait: (waiting: boolean) => void) {
    this.#onWait = onWait;
  }

  /**
   * Runs `task` in its turn. A task whose signal fires before runs at once: it only reports that it was aborted.
   */
  async run<T>(work: Work, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let begun = false;
    const begin = () => {
      begun = true;
      return task();
    };
    try {
      return await this.#lock.run(() => this.#amongTabs(work, begin, signal), signal);
    } catch (error) {
      if (begun || !(signal.aborted || isDenied(error))) throw error;
      return task();
    }
  }

  async #amongTabs<T>(work: Work, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const locks = globalThis.navigator?.locks;
    if (!locks) return task();
    const done = await locks.request(work, { ifAvailable: true }, async (lock) => lock && { value: await task() });
    if (done) return done.value;
    let waiting = true;
    const endWait = () => {
      if (waiting) this.#onWait(false);
      waiting = false;
    };
    this.#onWait(true);
    try {
      return await locks.request(work, { signal }, () => {
        endWait();
        return task();
      });
    } finally {
      endWait();
    }
  }
}

/** Whether locks are not allowed, as in a frame without an origin. */
function isDenied(error: unknown): boolean {
  return error instanceof DOMException && error.name === "SecurityError";
}
