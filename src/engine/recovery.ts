/**
 * An engine that survives the loss of its GPU device. Devices are lost when a driver restarts, a laptop switches its
 * GPU, or a browser reclaims the memory of a background tab. The model is then loaded again from its source onto a new
 * device, and the running task starts again. The task itself keeps its progress (see answer.ts).
 *
 * The loss of a device that the caller passed is an error, because the engine cannot create another one like it.
 */
import type { LoadOptions, MemoryUse } from "../api.ts";
import { disposedError, FoveaError, type FoveaErrorCode, orAborted } from "../errors.ts";
import type { Engine } from "./engine.ts";

/** The most recoveries within a window. After that many losses the next device is likely to be lost too. */
const MAX_RECOVERIES = 3;
const WINDOW_MS = 60_000;
/** Wait before the second try, in which a GPU process can restart; twice as long before the third. */
const PAUSE_MS = 500;

/** Runs a task when it has the GPU: other engines and other tabs may use it too. */
export type GpuTurn = <T>(task: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>;

export interface TaskOptions {
  signal?: AbortSignal | undefined;
  /**
   * Runs once, before the task waits for the GPU. Work that may take long or hang belongs here, so that it does not
   * block other tasks: a model's template, the addresses of pictures.
   */
  prepare?: (engine: Engine) => Promise<void>;
  /** Called each time the device is lost, before the model is loaded again. */
  onLoss?: () => void;
  /** Told that shaders are waited for, with 0, and then for how long. */
  onCompile?: (milliseconds: number) => void;
}

/** Loads the model; called again after a loss. Throws as `Fovea.load`; nothing stays allocated then. */
export type LoadEngine = (options: LoadOptions) => Promise<Engine>;

/** Runs tasks on the current engine, and repeats them on a new one after a device loss. Owns the engine. */
export class RecoveringEngine {
  readonly #load: LoadEngine;
  readonly #options: LoadOptions;
  readonly #turn: GpuTurn;
  readonly #closing = new AbortController();
  #engine!: Engine;
  /** The last loss, until a recovery. */
  #loss: FoveaError | undefined;
  /** Times of the latest losses. */
  #losses: number[] = [];
  #peakBytes = 0;

  private constructor(load: LoadEngine, { signal: _, onProgress: __, ...options }: LoadOptions, turn: GpuTurn) {
    this.#load = load;
    this.#options = options;
    this.#turn = turn;
  }

  /** Loads a model for the first time. Throws as `load`. */
  static async load(load: LoadEngine, options: LoadOptions, turn: GpuTurn): Promise<RecoveringEngine> {
    const recovering = new RecoveringEngine(load, options, turn);
    await recovering.#build(options);
    return recovering;
  }

  /** The current engine, possibly lost or disposed, for uses without the GPU. GPU work goes through `run`. */
  get current(): Engine {
    return this.#engine;
  }

  get memory(): MemoryUse {
    const { bytes, peakBytes } = this.#engine.gpu.arena;
    return { gpuBytes: bytes, peakGpuBytes: Math.max(peakBytes, this.#peakBytes) };
  }

  /**
   * Runs `task`, and restarts it on a new engine whenever the device is lost. The caller runs one task at a time.
   * Throws as the task; FoveaError `device-lost` if the device is the caller's, is lost repeatedly, or the model cannot
   * be loaded again; `aborted` and `disposed` also during a reload.
   */
  async run<T>(
    task: (engine: Engine) => Promise<T>,
    { signal, prepare, onLoss, onCompile }: TaskOptions = {},
  ): Promise<T> {
    let isPrepared = prepare === undefined;
    while (true) {
      if (this.#loss && !this.#closing.signal.aborted) {
        onLoss?.();
        await this.#build(signal ? { signal } : {});
      }
      const engine = this.#engine;
      try {
        engine.gpu.assertAlive();
        await this.#compiled(engine, signal, onCompile);
        if (!isPrepared) await prepare!(engine);
        isPrepared = true;
        return await this.#turn(() => task(engine), signal);
      } catch (error) {
        const reason = await engine.gpu.explain(error);
        if (this.#options.device || !hasCode(reason, "device-lost")) throw reason;
        this.#peakBytes = this.memory.peakGpuBytes;
        engine.gpu.dispose();
        this.#note(reason);
      }
    }
  }

  async #compiled(engine: Engine, signal: AbortSignal | undefined, onCompile: TaskOptions["onCompile"]): Promise<void> {
    if (engine.isCompiled) return;
    const start = performance.now();
    onCompile?.(0);
    await orAborted(engine.compiled, signal, "compiling");
    onCompile?.(performance.now() - start);
  }

  /** Frees everything. A task under way fails with `disposed`. Safe to call twice. */
  dispose(): void {
    this.#closing.abort();
    this.#engine.gpu.dispose();
  }

  /**
   * Creates an engine. Tries again with another device if the first is lost during the load or is not yet available
   * after a loss.
   */
  async #build({ signal, ...watched }: Pick<LoadOptions, "signal" | "onProgress">): Promise<void> {
    const closing = this.#closing.signal;
    const stop = signal ? AbortSignal.any([signal, closing]) : closing;
    for (let pauseMs = 0; ; pauseMs = Math.max(PAUSE_MS, 2 * pauseMs)) {
      try {
        const pause = new Promise((resolve) => setTimeout(resolve, pauseMs));
        if (pauseMs > 0) await orAborted(pause, stop, "the wait for the GPU");
        const engine = await this.#load({ ...this.#options, ...watched, signal: stop });
        this.#engine = engine;
        this.#loss = undefined;
        if (closing.aborted) engine.gpu.dispose();
        return;
      } catch (error) {
        if (closing.aborted) throw disposedError();
        const mayPass = hasCode(error, "device-lost") || (this.#loss && hasCode(error, "no-webgpu"));
        if (this.#options.device || !mayPass) throw hasCode(error, "aborted") ? error : this.#inSpiteOf(error);
        this.#note(hasCode(error, "device-lost") ? error : this.#loss!);
      }
    }
  }

  /** Remembers a loss. Throws FoveaError `device-lost` if there were too many. */
  #note(loss: FoveaError): void {
    const now = performance.now();
    this.#loss = loss;
    this.#losses = [...this.#losses.filter((time) => now - time < WINDOW_MS), now];
    if (this.#losses.length > MAX_RECOVERIES)
      throw new FoveaError(
        "device-lost",
        `${loss.message}; ${this.#losses.length} times within a minute. Close other pages that use the GPU, and ask again later`,
        { cause: loss },
      );
  }

  /** Turns an error of a reload into one that names the loss. */
  #inSpiteOf(error: unknown): unknown {
    if (!this.#loss) return error;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `${this.#loss.message}; the model could not be loaded again: ${reason}`;
    return new FoveaError("device-lost", message, { cause: error });
  }
}

function hasCode(error: unknown, code: FoveaErrorCode): error is FoveaError {
  return error instanceof FoveaError && error.code === code;
}
