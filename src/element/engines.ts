/**
 * The engines of a page: one per model, shared by all users, and freed when the last one releases it. An `EngineSlot`
 * is one element's use of it.
 */
import type { FoveaModel, LoadProgress, ModelPlan, WorkerOptions } from "../api.ts";
import { orAborted } from "../errors.ts";
import { engineIdentity, loadFromServer, serverIn } from "./server-source.ts";

/** Loads a model from the attribute `model`: `createFovea`, or a page's own function. */
export type EngineLoader = (source: string, options: WorkerOptions) => Promise<FoveaModel>;

/** Looks at a model without loading it: `planModel`. */
export type ModelPlanner = (source: string, options: { signal: AbortSignal }) => Promise<ModelPlan>;

/** Follows a load, also one that others have started: the latest progress comes at once. */
export interface EngineWatcher {
  onProgress(progress: LoadProgress): void;
  /** Called when the engine starts or stops waiting for another tab. */
  onWait(waiting: boolean): void;
}

/** One user's share of an engine. */
export interface EngineLease {
  /**
   * The loaded model. The registry owns it: do not call `dispose`. Rejects like the loader, and with FoveaError `aborted`
   * once the lease is released.
   */
  readonly model: Promise<FoveaModel>;
  /** Releases the share. The last release ends the load or frees the model. Safe to call twice. */
  release(): void;
  /** Makes the next lease load again, because this engine is dead (device lost). Its users still release it. */
  retire(): void;
}

interface Shared {
  readonly watchers: Set<EngineWatcher>;
  readonly loading: AbortController;
  readonly model: Promise<FoveaModel>;
  progress?: LoadProgress;
  waiting: boolean;
}

/** Engines by source and, of a server, by key. A page has one, `FoveaChat.engines`. */
export class EngineRegistry {
  readonly #load: EngineLoader;
  readonly #shared = new Map<string, Shared>();
  /** Undefined where elements do not offer the sizes of a model. */
  readonly plan: ModelPlanner | undefined;

  constructor(load: EngineLoader, plan?: ModelPlanner) {
    this.#load = load;
    this.plan = plan;
  }

  /** Number of models that are loaded or loading. */
  get size(): number {
    return this.#shared.size;
  }

  /** A share of the engine for a source. The first lease starts the load. */
  lease(source: string, watcher: EngineWatcher): EngineLease {
    const identity = engineIdentity(source);
    const shared = this.#shared.get(identity) ?? this.#start(source, identity);
    shared.watchers.add(watcher);
    if (shared.progress) watcher.onProgress(shared.progress);
    if (shared.waiting) watcher.onWait(true);
    const left = new AbortController();
    const model = orAborted(shared.model, left.signal, "loading");
    // Readers get the error. Without a reader it must not count as an unhandled rejection.
    model.catch(() => {});
    return {
      model,
      release: () => {
        left.abort();
        if (shared.watchers.delete(watcher) && shared.watchers.size === 0) this.#free(identity, shared);
      },
      retire: () => this.#forget(identity, shared),
    };
  }

  #start(source: string, identity: string): Shared {
    const watchers = new Set<EngineWatcher>();
    const loading = new AbortController();
    const load = serverIn(source) ? loadFromServer : this.#load;
    const model = load(source, {
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
    this.#shared.set(identity, shared);
    // The next lease loads again.
    model.catch(() => this.#forget(identity, shared));
    return shared;
  }

  #free(identity: string, shared: Shared): void {
    this.#forget(identity, shared);
    shared.loading.abort();
    // The load may have finished before the abort.
    shared.model.then(
      (model) => model.dispose(),
      () => {},
    );
  }

  #forget(identity: string, shared: Shared): void {
    if (this.#shared.get(identity) === shared) this.#shared.delete(identity);
  }
}
