/**
 * The engines of a page: one for each model, shared by all that ask for it, and freed when the last of them is done.
 * Not what an element shows of it: that is in engine-slot.ts.
 */
import type { FoveaModel, LoadProgress, WorkerOptions } from "../api.ts";
import { orAborted } from "../errors.ts";

/** Loads a model from what the attribute `model` says: `createFovea`, or another that a page prefers. */
export type EngineLoader = (source: string, options: WorkerOptions) => Promise<FoveaModel>;

/** Told of a load, also of one that others have begun: the newest progress comes at once. */
export interface EngineWatcher {
  onProgress(progress: LoadProgress): void;
  /** Whether the engine waits for another tab of the browser. */
  onWait(waiting: boolean): void;
}

/** One user's share of an engine. */
export interface EngineLease {
  /**
   * The loaded model; the registry's, so `dispose` is not to be called on it. Rejects as the loader does, and with
   * FoveaError `aborted` once the lease is released.
   */
  readonly model: Promise<FoveaModel>;
  /** Gives the share back; the last one to do so ends the load, or frees the model. Safe to call twice. */
  release(): void;
  /** Lets whoever comes next load anew, because this engine is dead (device lost). Its users still release theirs. */
  retire(): void;
}

interface Shared {
  readonly watchers: Set<EngineWatcher>;
  readonly loading: AbortController;
  readonly model: Promise<FoveaModel>;
  progress?: LoadProgress;
  waiting: boolean;
}

/** Engines by source. A page has one, `FoveaChat.engines`. */
export class EngineRegistry {
  readonly #load: EngineLoader;
  readonly #shared = new Map<string, Shared>();

  constructor(load: EngineLoader) {
    this.#load = load;
  }

  /** Models that are loaded or being loaded. */
  get size(): number {
    return this.#shared.size;
  }

  /** A share of the engine for a source, which starts to load if nobody has asked for it yet. */
  lease(source: string, watcher: EngineWatcher): EngineLease {
    const shared = this.#shared.get(source) ?? this.#start(source);
    shared.watchers.add(watcher);
    if (shared.progress) watcher.onProgress(shared.progress);
    if (shared.waiting) watcher.onWait(true);
    const left = new AbortController();
    const model = orAborted(shared.model, left.signal, "loading");
    // Whoever reads it sees the error; without a reader it is nobody's.
    model.catch(() => {});
    return {
      model,
      release: () => {
        left.abort();
        if (shared.watchers.delete(watcher) && shared.watchers.size === 0) this.#free(source, shared);
      },
      retire: () => this.#forget(source, shared),
    };
  }

  #start(source: string): Shared {
    const watchers = new Set<EngineWatcher>();
    const loading = new AbortController();
    const model = this.#load(source, {
      signal: loading.signal,
      onProgress: (progress) => {
        shared.progress = progress;
        for (const watcher of watchers) watcher.onProgress(progress);
      },
      onWait: (waiting) => {
        shared.waiting = waiting;
        for (const watcher of watchers) watcher.onWait(waiting);
      },
    });
    const shared: Shared = { watchers, loading, model, waiting: false };
    this.#shared.set(source, shared);
    // So that the next one tries again.
    model.catch(() => this.#forget(source, shared));
    return shared;
  }

  #free(source: string, shared: Shared): void {
    this.#forget(source, shared);
    shared.loading.abort();
    // A load that was over before it heard of its end has made a model all the same.
    shared.model.then(
      (model) => model.dispose(),
      () => {},
    );
  }

  #forget(source: string, shared: Shared): void {
    if (this.#shared.get(source) === shared) this.#shared.delete(source);
  }
}
