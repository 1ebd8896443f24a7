/** The models that the page's element can load: by name or address, and from the user's own files. */
import type { FoveaModel, SmallCopy, SmallCopyOptions, WorkerOptions } from "../../api.ts";
import { FoveaError } from "../../errors.ts";
import { sourceName } from "../../shared/source.ts";
import { NO_ROOM } from "../../shared/stored-model.ts";
import { keepSmallCopy, loadModel, type ModelAccess, type ModelSource, planModel, storedModels } from "../engine.ts";

interface Registered {
  source: ModelSource;
  name: string;
  access: ModelAccess;
}

/** Knows each model by the value of the element's attribute `model`. */
export class PageModels {
  readonly #registered = new Map<string, Registered>();
  readonly #onNotStored: (message: string) => void;
  readonly #onLoaded: (key: string, model: FoveaModel) => Promise<void>;

  /**
   * @param onNotStored called with a sentence when a model is loaded without being stored
   * @param onLoaded called before anybody asks a loaded model
   */
  constructor(
    onNotStored: (message: string) => void,
    onLoaded: (key: string, model: FoveaModel) => Promise<void> = async () => {},
  ) {
    this.#onNotStored = onNotStored;
    this.#onLoaded = onLoaded;
  }

  /** Registers a model. The access, a secret perhaps, is kept until the page closes and stored nowhere. */
  register(source: ModelSource, name: string, access: ModelAccess = {}): string {
    const key = typeof source === "string" ? sourceName(source) : `files ${this.#registered.size + 1}`;
    this.#registered.set(key, { source: typeof source === "string" ? key : source, name, access });
    return key;
  }

  nameOf(key: string): string {
    return this.#registered.get(key)?.name ?? key;
  }

  /** True if the model can be loaded again after a reload of the page. */
  isAddress(key: string): boolean {
    return typeof (this.#registered.get(key)?.source ?? key) === "string";
  }

  /** Loads a model for the element. Without room for it on disk, loads it without storing it. */
  readonly load = async (key: string, options: WorkerOptions): Promise<FoveaModel> => {
    const model = await this.#load(key, options);
    await this.#onLoaded(key, model);
    return model;
  };

  async #load(key: string, options: WorkerOptions): Promise<FoveaModel> {
    const { source, access } = this.#registered.get(key) ?? { source: key, access: {} };
    try {
      return await loadModel(source, { ...access, ...options });
    } catch (error) {
      const isFull = error instanceof FoveaError && error.message.startsWith(NO_ROOM);
      if (!isFull || access.cache === "none") throw error;
      this.#onNotStored(`${error.message.replace(/;.*/s, "")}. It is loaded without being stored.`);
      return loadModel(source, { ...access, ...options, cache: "none" });
    }
  }

  /** Makes a small copy of a model on disk. Throws like the library's `keepSmallCopy`. */
  copy(key: string, options: Pick<SmallCopyOptions, "weights" | "signal" | "onProgress">): Promise<SmallCopy> {
    const { source, name, access } = this.#registered.get(key) ?? { source: key, name: key, access: {} };
    return keepSmallCopy(source, { ...access, ...options, ...(typeof source !== "string" && { name }) });
  }
}

/** Downloads from this size need a confirmation: some minutes on a slow line. */
const LARGE_BYTES = 50_000_000;

/** True if loading downloads much that is not stored yet. The user may have followed a link. */
export async function isLargeDownload(address: string): Promise<boolean> {
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
