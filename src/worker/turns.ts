/**
 * Whose turn it is on the GPU: one task at a time in this worker, and one tab at a time on this machine, as two answers
 * at once would only be half as fast each and take twice the memory. Between tabs it goes by Web Locks, which the browser
 * releases when their holder ends, in whatever way: a tab that is closed or crashes leaves nobody waiting. A lock is held
 * for one task, not for a tab's life, so tabs take turns.
 */
import { Lock } from "../engine/lock.ts";

/** The lock of each kind of work. Loads have their own: a slow download must not hold up another tab's answers. */
export type Work = "fovea-load" | "fovea-gpu";

export class Turns {
  readonly #lock = new Lock();
  readonly #onWait: (waiting: boolean) => void;

  /** @param onWait told when another tab has to be waited for, and when that is over */
  constructor(onWait: (waiting: boolean) => void) {
    this.#onWait = onWait;
  }

  /**
   * Runs `task` when it is its turn. A task whose signal fires before that is run at once, out of turn: all that is left
   * for it to do is to say that it was aborted.
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

/** Whether locks are not to be had, as in a frame without an origin of its own. */
function isDenied(error: unknown): boolean {
  return error instanceof DOMException && error.name === "SecurityError";
}
