/**
 * The grammars of one model: a worker that follows the format of one answer at a time. The first request with a format
 * starts it.
 *
 * The library is WebAssembly without exceptions and without a way to stop it. In a worker its memory is bounded, and its
 * own aborts do not reach the page. Terminating the worker ends work that takes too long. The next request starts
 * another one.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import type { FormatSource } from "./format-source.ts";
import type { FromGrammar, GrammarCall, GrammarStep, GrammarVocabulary, ToGrammar } from "./protocol.ts";
import { startGrammarWorker } from "./start-worker.ts";

/** Default processor time for a format to be compiled, or for one token of it. */
const MAX_MS = 5000;
/** Time that passes before processor time is measured: most formats take a tenth of it. */
const UNMEASURED_MS = 1000;
/** Longest wait, however busy the machine is. */
const MAX_WAIT_MS = 120_000;
/**
 * Contents of the worker's script, and its size in bytes without compression; a test compares them with the built file.
 */
export const GRAMMAR_LIBRARY = { name: "XGrammar", bytes: 1_125_000 };
/** Time to fetch and start the script, of a megabyte. */
const START_MS = 120_000;

/** Formats compiled for one vocabulary. Owns the worker. */
export class Grammars {
  readonly library = GRAMMAR_LIBRARY;
  readonly #vocabulary: () => GrammarVocabulary;
  readonly #maxMs: number;
  readonly #field: string;
  #worker: Worker | undefined;
  #ready: Promise<unknown> | undefined;
  #nextCall = 0;
  readonly #calls = new Map<number, (answer: FromGrammar | { type: "end"; error: Error }) => void>();

  /**
   * @param vocabulary called when a worker starts
   * @param field of the request, which messages begin with
   * @param maxMs processor time for a format to be compiled, or for one token of it
   */
  constructor(vocabulary: () => GrammarVocabulary, field = "format", maxMs = MAX_MS) {
    this.#vocabulary = vocabulary;
    this.#field = field;
    this.#maxMs = maxMs;
  }

  /**
   * Begins an answer: compiles the format, or finds it compiled.
   *
   * @throws RangeError for a format that cannot be followed, that nothing can satisfy, or that takes too long; FoveaError
   *   `download-failed` where the worker's script is missing or not allowed, `aborted`
   */
  async begin(source: FormatSource, signal: AbortSignal): Promise<GrammarStep> {
    await this.start(signal);
    throwIfAborted(signal, "the compiling of a format");
    return (await this.#call({ type: "begin", source }))!;
  }

  /** Returns the tokens that may follow this one. Throws as `begin`. */
  async accept(id: number): Promise<GrammarStep> {
    return (await this.#call({ type: "accept", id }))!;
  }

  /** Ends the worker. Safe to call twice; the next answer starts another one. */
  dispose(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#ready = undefined;
  }

  /** True if the worker runs, so that no library loads with the next answer. */
  get isReady(): boolean {
    return this.#worker !== undefined;
  }

  /** Starts the worker and loads its library, unless they are there. Throws as `begin`. */
  async start(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal, "the compiling of a format");
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
      this.#ready = this.#call({ type: "vocabulary", vocabulary: this.#vocabulary() });
    }
    await this.#ready;
  }

  /** Makes a call. A worker that fails, other than by a format that was refused in time, is ended. */
  async #call(message: GrammarCall): Promise<GrammarStep | undefined> {
    const call = this.#nextCall++;
    const answered = new Promise<FromGrammar | { type: "end"; error: Error }>((resolve) =>
      this.#calls.set(call, resolve),
    );
    this.#worker!.postMessage({ ...message, call });
    const isStart = message.type === "vocabulary";
    const deadline = new Deadline(isStart ? undefined : this.#maxMs, (isMeasured) => {
      const limit = isMeasured ? `${this.#maxMs / 1000} s of the processor` : `${MAX_WAIT_MS / 1000} s`;
      const error = isStart
        ? new FoveaError("download-failed", `the worker for formats did not start within ${START_MS / 1000} s`)
        : new RangeError(`${this.#field} takes more than ${limit}; make it simpler`);
      this.#calls.get(call)?.({ type: "end", error });
    });
    try {
      const answer = await answered;
      if (answer.type === "step") return answer.step;
      if (answer.type === "worked") return undefined;
      if (answer.type === "end" || answer.isBroken) this.dispose();
      if (answer.type === "end") throw answer.error;
      if (answer.isFormat) throw new RangeError(`${this.#field} cannot be followed: ${answer.message}`);
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

/**
 * Calls `onEnd` after so much processor time, measured by a second worker once a second has passed; without a limit,
 * after the time to start. A clock alone would refuse valid formats on busy machines.
 */
class Deadline {
  #yardstick: Worker | undefined;
  readonly #timers: ReturnType<typeof setTimeout>[];

  /** @param onEnd called with true where processor time was measured, false where a clock ran out */
  constructor(limitMs: number | undefined, onEnd: (isMeasured: boolean) => void) {
    this.#timers = [setTimeout(() => onEnd(false), limitMs === undefined ? START_MS : MAX_WAIT_MS)];
    if (limitMs === undefined) return;
    let left = limitMs - UNMEASURED_MS;
    const measure = () => {
      this.#yardstick = startGrammarWorker();
      this.#yardstick.addEventListener("message", ({ data }: MessageEvent<FromGrammar>) => {
        if (data.type !== "worked") return;
        left -= data.milliseconds;
        if (left < 0) onEnd(true);
      });
      this.#yardstick.postMessage({ call: 0, type: "yardstick" } satisfies ToGrammar);
    };
    this.#timers.push(setTimeout(measure, UNMEASURED_MS));
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#yardstick?.terminate();
  }
}
