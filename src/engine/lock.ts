/** One task at a time: the engine's buffers serve one answer after another. */
import { orAborted } from "../errors.ts";

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
      await orAborted(previous, signal, "the wait for an earlier answer");
      return await task();
    } finally {
      release();
    }
  }
}
