/**
 * The grammars of one model: a worker that follows the format of one answer at a time, started at the first request for one.
 *
 * The library is WebAssembly without exceptions and without a way to stop it. In a worker its memory is bounded, an abort
 * leaves the page alone, and what takes too long is ended by termination. The next request starts another worker.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import type { FormatSource } from "./format-source.ts";
import type { FromGrammar, GrammarCall, GrammarStep, GrammarVocabulary } from "./protocol.ts";
import { startGrammarWorker } from "./start-worker.ts";

/** Time for a format to be compiled, or for one token of it. Only time in which the page itself could work counts. */
const MAX_MS = 5000;
const TICK_MS = 50;
/** The most that counts between two ticks: a computer that sleeps, or has other work, is no fault of the format. */
const MAX_TICK_MS = 100;
/** Time to fetch and start the script, of a megabyte. */
const START_MS = 60_000;

export class Grammars {
  readonly #vocabulary: () => GrammarVocabulary;
  #worker: Worker | undefined;
  #ready: Promise<unknown> | undefined;
  #nextCall = 0;
  readonly #calls = new Map<number, (answer: FromGrammar | { type: "end"; error: Error }) => void>();

  /** @param vocabulary called when a worker starts */
  constructor(vocabulary: () => GrammarVocabulary) {
    this.#vocabulary = vocabulary;
  }

  /**
   * Begins an answer: compiles the format, or finds it compiled.
   *
   * @throws RangeError for a format that cannot be followed, that nothing can satisfy, or that takes too long; FoveaError
   *   `download-failed` where the worker's script is missing or not allowed, `aborted`
   */
  async begin(source: FormatSource, signal: AbortSignal): Promise<GrammarStep> {
    throwIfAborted(signal, "the compiling of a format");
    await this.#start();
    throwIfAborted(signal, "the compiling of a format");
    return (await this.#call({ type: "begin", source }, MAX_MS))!;
  }

  /** What may follow this token. Throws as `begin`. */
  async accept(id: number): Promise<GrammarStep> {
    return (await this.#call({ type: "accept", id }, MAX_MS))!;
  }

  /** Ends the worker. Safe to call twice; the next answer starts another one. */
  dispose(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#ready = undefined;
  }

  async #start(): Promise<void> {
    if (!this.#worker) {
      const worker = startGrammarWorker();
      this.#worker = worker;
      worker.addEventListener("message", ({ data }: MessageEvent<FromGrammar>) => this.#calls.get(data.call)?.(data));
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        const reason = event.message ? ` (${event.message})` : "";
        const message = `the worker for formats could not run${reason}; put fovea-grammar.js beside the library, and allow it in the page's Content-Security-Policy (worker-src, 'wasm-unsafe-eval')`;
        for (const end of this.#calls.values()) end({ type: "end", error: new FoveaError("download-failed", message) });
      });
      this.#ready = this.#call({ type: "vocabulary", vocabulary: this.#vocabulary() }, START_MS);
    }
    await this.#ready;
  }

  /** Makes a call. A worker that fails, other than by a format that was refused in time, is ended. */
  async #call(message: GrammarCall, limitMs: number): Promise<GrammarStep | undefined> {
    const call = this.#nextCall++;
    const answered = new Promise<FromGrammar | { type: "end"; error: Error }>((resolve) =>
      this.#calls.set(call, resolve),
    );
    this.#worker!.postMessage({ ...message, call });
    const deadline = new Deadline(limitMs, () => {
      const error = new RangeError(`format takes more than ${limitMs / 1000} s; make it simpler`);
      this.#calls.get(call)?.({ type: "end", error });
    });
    try {
      const answer = await answered;
      if (answer.type === "step") return answer.step;
      if (answer.type === "end" || answer.isBroken) this.dispose();
      if (answer.type === "end") throw answer.error;
      if (answer.isFormat) throw new RangeError(`format cannot be followed: ${answer.message}`);
      const hint = /WebAssembly|wasm/i.test(answer.message)
        ? "; allow 'wasm-unsafe-eval' in the page's Content-Security-Policy"
        : "";
      throw new FoveaError("download-failed", `the library for formats failed: ${answer.message}${hint}`);
    } finally {
      deadline.clear();
      this.#calls.delete(call);
    }
  }
}

/** Calls `onEnd` after so much time in which this thread could work. */
class Deadline {
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(limitMs: number, onEnd: () => void) {
    let spent = 0;
    let last = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      spent += Math.min(now - last, MAX_TICK_MS);
      last = now;
      if (spent > limitMs) onEnd();
    }, TICK_MS);
  }

  clear(): void {
    clearInterval(this.#timer);
  }
}
