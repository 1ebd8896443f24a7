/** The model of the page: load, pause, cancel, reload after a lost device. One at a time. */
import type { LoadProgress } from "../../api.ts";
import { sourceName } from "../../shared/source.ts";
import { loadModel, type Model, type ModelAccess, type ModelSource, planModel, storedModels } from "../engine.ts";
import { problemOf } from "./problem.ts";
import { Rate } from "./rate.ts";
import { followDefaults, settingsOf } from "./settings.ts";
import type { ModelState, PageStore } from "./state.ts";

export class ModelKeeper {
  readonly #store: PageStore;
  #loading: AbortController | undefined;
  #loaded: Promise<Model | undefined> = Promise.resolve(undefined);
  /** Access to the current or last model; never stored. */
  #access: ModelAccess = {};

  constructor(store: PageStore) {
    this.#store = store;
  }

  /** The model once it is loaded; undefined if there is none or its load failed. */
  get loaded(): Promise<Model | undefined> {
    return this.#loaded;
  }

  /** Replaces the current model. The state shows the progress. */
  load(source: ModelSource, name: string, access: ModelAccess = {}): Promise<Model | undefined> {
    this.#loading?.abort();
    this.#access = access;
    const loading = new AbortController();
    this.#loading = loading;
    // Two models at once may not fit on the GPU.
    this.#store.state.model.model?.dispose();
    this.#set({
      ...{ phase: "loading", name, source, progress: undefined, bytesPerSecond: 0 },
      ...{ model: undefined, info: undefined, problem: undefined, waiting: false },
      kept: typeof source === "string" && access.cache !== "none",
    });
    this.#loaded = this.#load(source, loading);
    return this.#loaded;
  }

  /**
   * Loads the model in the page's address. The user may have followed a link, so a large download calls `ask` instead.
   */
  open(address: string, ask: () => void): Promise<Model | undefined> {
    this.#set({ phase: "loading", name: address });
    this.#loaded = isLargeDownload(address).then((isLarge) => {
      if (!isLarge) return this.load(address, address);
      this.#set({ phase: "none", name: "" });
      ask();
      return undefined;
    });
    return this.#loaded;
  }

  /** Loads the same model again, or resumes it. */
  reload(change: ModelAccess = {}): Promise<Model | undefined> {
    const { source, name } = this.#store.state.model;
    return source === undefined ? this.#loaded : this.load(source, name, { ...this.#access, ...change });
  }

  /** Stops a load; `reload` resumes it. Downloaded parts are kept. */
  pause(): void {
    this.#end({ phase: "paused" });
  }

  /** Cancels a load. Downloaded parts are kept; the user can delete them under Models. */
  cancel(): void {
    this.#end({ phase: "none", name: "", source: undefined });
  }

  #end(change: Partial<ModelState>): void {
    this.#loading?.abort();
    this.#loading = undefined;
    this.#set({ ...change, waiting: false });
  }

  async #load(source: ModelSource, loading: AbortController): Promise<Model | undefined> {
    const isCurrent = () => this.#loading === loading;
    const rate = new Rate();
    try {
      const model = await loadModel(source, {
        ...this.#access,
        signal: loading.signal,
        onProgress: (progress: LoadProgress) => {
          const bytesPerSecond = rate.add(progress.loadedBytes, performance.now());
          if (isCurrent()) this.#set({ progress, bytesPerSecond });
        },
        onWait: (waiting) => isCurrent() && this.#set({ waiting }),
      });
      if (!isCurrent() || loading.signal.aborted) {
        model.dispose();
        return undefined;
      }
      this.#set({ phase: "ready", model, info: model.info, waiting: false });
      const { settings, defaults: before } = this.#store.state;
      const defaults = settingsOf(model.info);
      this.#store.set({ defaults, settings: followDefaults(settings, before, defaults) });
      return model;
    } catch (error) {
      const problem = problemOf(error, this.#store.state.model.progress?.loadedBytes);
      if (isCurrent()) this.#set({ phase: problem ? "failed" : "none", problem, waiting: false });
      return undefined;
    }
  }

  #set(change: Partial<ModelState>): void {
    this.#store.set({ model: { ...this.#store.state.model, ...change } });
  }
}

/** Downloads from this size need a confirmation: some minutes on a slow line. */
const LARGE_BYTES = 50_000_000;

async function isLargeDownload(address: string): Promise<boolean> {
  try {
    const bare = (source: string) => source.replace(/\/$/, "");
    const isHere = (await storedModels()).some(
      ({ source, complete }) => complete && bare(source) === bare(sourceName(address)),
    );
    if (isHere) return false;
    return (await planModel(address, {}, new AbortController().signal)).downloadBytes > LARGE_BYTES;
  } catch {
    // The load reports the error.
    return false;
  }
}
