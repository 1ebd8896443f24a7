/**
 * The page's end of the channel to a worker: sends calls and receives their answers. All calls fail when the worker
 * cannot be started, dies, or is terminated.
 */
import type { GenerationEvent, LoadProgress, MemoryUse, SmallCopyProgress } from "../api.ts";
import { disposedError, FoveaError } from "../errors.ts";
import { unpackError } from "./errors.ts";
import type { Packed } from "./pack.ts";
import type { Call, Port, ToPage, ToWorker } from "./protocol.ts";

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** The call fails soon after an abort also where the worker is too busy to hear of it. */
  endsOnAbort?: boolean;
  onEvents?: (events: GenerationEvent[]) => void;
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  onCopied?: ((progress: SmallCopyProgress) => void) | undefined;
}

/**
 * Time for a worker to end an aborted call itself, with the events of an aborted answer. Its longest piece of work that
 * nothing can interrupt, the ids of a very long text, takes a few seconds on a slow machine.
 */
const LAST_WORD_MS = 800;

interface Pending extends CallOptions {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The needed part of `Worker`. */
export type WorkerEnd = Port<ToPage, ToWorker> & Pick<Worker, "terminate" | "addEventListener">;

export class Channel {
  readonly #worker: WorkerEnd;
  readonly #onWait: ((waiting: boolean) => void) | undefined;
  readonly #calls = new Map<number, Pending>();
  readonly #watch = new AbortController();
  /** Resolves once the last message is sent. Messages leave in the order of their calls, also if pictures take long. */
  #sent: Promise<unknown> = Promise.resolve();
  #nextCall = 0;
  #isAlive = false;
  #end: FoveaError | undefined;
  #memory: MemoryUse = { gpuBytes: 0, peakGpuBytes: 0 };
  /** A lock that the worker holds while it lives. */
  readonly lifeLock = `fovea-worker-${crypto.randomUUID()}`;

  /** The channel owns the worker from now on. */
  constructor(worker: WorkerEnd, onWait?: (waiting: boolean) => void) {
    this.#worker = worker;
    this.#onWait = onWait;
    worker.addEventListener("message", ({ data }) => this.#receive(data));
    worker.addEventListener("messageerror", () => this.#died("a message could not be read"));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#died(event.message);
    });
  }

  get memory(): MemoryUse {
    return this.#memory;
  }

  /**
   * Makes a call and waits for its answer. Throws the worker's error; FoveaError `disposed`, `download-failed` (the
   * script could not be loaded) or `device-lost` (the worker died); TypeError for an argument that cannot be sent.
   *
   * @param message already in preparation, so that it captures pictures as they are now
   */
  async call(message: Packed<Call> | Promise<Packed<Call>>, options: CallOptions = {}): Promise<unknown> {
    const call = this.#nextCall++;
    const { signal } = options;
    const abort = () => this.#post({ type: "abort", call });
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#end) reject(this.#end);
      else this.#calls.set(call, { ...options, resolve, reject });
    });
    const before = this.#sent;
    const sent = Promise.all([message, before]).then(([{ value, transfer }]) => {
      if (!this.#calls.has(call)) return;
      this.#post({ ...value, call }, transfer);
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort);
    });
    // A message that cannot be sent does not change the order of the others.
    this.#sent = sent.catch((error) => {
      this.#calls.get(call)?.reject(asMisuse(error));
      return before;
    });
    const timeouts: ReturnType<typeof setTimeout>[] = [];
    const giveUp = () => {
      const error = new FoveaError("aborted", "aborted while the engine's worker was busy", { cause: signal?.reason });
      timeouts.push(setTimeout(() => this.#calls.get(call)?.reject(error), LAST_WORD_MS));
    };
    if (options.endsOnAbort) signal?.addEventListener("abort", giveUp);
    if (options.endsOnAbort && signal?.aborted) giveUp();
    try {
      return await answer;
    } finally {
      for (const timeout of timeouts) clearTimeout(timeout);
      signal?.removeEventListener("abort", giveUp);
      this.#calls.delete(call);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Terminates the worker and frees everything in it. Running calls fail with `error`. Safe to call twice. */
  close(error = disposedError()): void {
    if (this.#end) return;
    this.#end = error;
    this.#watch.abort();
    this.#worker.terminate();
    this.#memory = { ...this.#memory, gpuBytes: 0 };
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    if (!this.#end) this.#worker.postMessage(message, { transfer });
  }

  #receive(message: ToPage): void {
    // Drops messages that arrive after `close`.
    if (this.#end) return;
    switch (message.type) {
      case "alive":
        this.#isAlive = true;
        if (message.holdsLock) this.#watchLife();
        return;
      case "memory":
        this.#memory = message.memory;
        return;
      case "waiting":
        this.#onWait?.(message.waiting);
        return;
    }
    const pending = this.#calls.get(message.call);
    if (message.type === "events") {
      pending?.onEvents?.(message.events);
      this.#post({ type: "taken", call: message.call });
    } else if (message.type === "progress" || message.type === "copied") {
      try {
        if (message.type === "copied") pending?.onCopied?.(message.progress);
        else pending?.onProgress?.(message.progress);
      } catch (error) {
        // As in the page's own thread: an error in the callback ends the load.
        pending?.reject(error);
      }
    } else if (message.type === "result") pending?.resolve(message.value);
    else {
      const isAbort = message.error.code === "aborted";
      pending?.reject(unpackError(message.error, isAbort ? pending.signal?.reason : undefined));
    }
  }

  /** Browsers do not report every death of a worker, but they release its locks. */
  #watchLife(): void {
    const { signal } = this.#watch;
    navigator.locks.request(this.lifeLock, { signal }, () => this.#died("it ended")).catch(() => {});
  }

  #died(reason: string | undefined): void {
    this.close(
      this.#isAlive
        ? new FoveaError("device-lost", `the engine's worker died (${reason}); load the model again`)
        : new FoveaError(
            "download-failed",
            `the engine's worker could not start${reason ? ` (${reason})` : ""}; put fovea-worker.js beside the library, and allow it in the page's Content-Security-Policy (worker-src)`,
          ),
    );
  }
}

/** An argument that cannot be sent is a TypeError. */
function asMisuse(error: unknown): unknown {
  if (!(error instanceof DOMException && error.name === "DataCloneError")) return error;
  return new TypeError(`an argument cannot be sent to a worker: ${error.message}`, { cause: error });
}
