/** Runs one task at a time: answers share the engine's buffers. */
import { orAborted } from "../errors.ts";

/** A queue of tasks, first come first served. */
export class Lock {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `task` after all earlier ones have ended or failed. Throws FoveaError `aborted` if `signal` fires during the
   * wait.
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const previous = this.#last;
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#last = previous.then(() => held);
    try {
      await orAborted(previous, signal, "the wait for an earlier answer");
      return await task();
    } finally {
      release();
    }
  }
}
