/**
 * A running answer for its caller: events, kept until they are read, the whole text, the statistics. The given task makes
 * the events: engine/answer.ts, or a worker's messages.
 */
import type { Generation, GenerationEvent, GenerationStats } from "./api.ts";
import { FoveaError } from "./errors.ts";

/** Makes the answer: emits events, the last of them `done`, until it is finished or `signal` fires. */
export type AnswerTask = (emit: (event: GenerationEvent) => void, signal: AbortSignal) => Promise<void>;

/** Starts the task at once. Leaving a loop over the events early stops it, and so does the caller's signal. */
export class RunningGeneration implements Generation {
  readonly #events: GenerationEvent[] = [];
  readonly #stop = new AbortController();
  readonly #finished: Promise<void>;
  readonly #waiting: (() => void)[] = [];
  #ended = false;

  constructor(task: AnswerTask, signal?: AbortSignal) {
    const all = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
    const emit = (event: GenerationEvent) => {
      this.#events.push(event);
      this.#wake();
    };
    // Starts in the same tick, so that requests queue in the order of the calls.
    this.#finished = task(emit, all).finally(() => {
      this.#ended = true;
      this.#wake();
    });
    // Readers get the error. Without a reader it must not count as an unhandled rejection.
    this.#finished.catch(() => {});
  }

  get stats(): GenerationStats | undefined {
    const last = this.#events.at(-1);
    return last?.type === "done" ? last.stats : undefined;
  }

  /** The whole answer. Throws FoveaError `aborted` after an abort; the events still contain the text so far. */
  async text(): Promise<string> {
    await this.#finished;
    const last = this.#events.at(-1);
    if (last?.type === "done" && last.reason === "abort")
      throw new FoveaError("aborted", `the answer was aborted after ${last.stats.newTokens} tokens`);
    return this.#events.map((event) => (event.type === "text" ? event.text : "")).join("");
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GenerationEvent, void, undefined> {
    let next = 0;
    let left = true;
    try {
      while (true) {
        while (next < this.#events.length) yield this.#events[next++]!;
        if (this.#ended) break;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
      left = false;
      await this.#finished;
    } finally {
      if (left) this.#stop.abort();
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
