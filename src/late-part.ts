/** Loads code that only some models or devices need. Bundlers make a file of each such part. */
import { FoveaError } from "./errors.ts";

/**
 * @param what of the engine's code, for the message
 * @param load an `import()` of the part
 * @throws FoveaError `download-failed` if the file cannot be loaded
 */
export async function loadCode<T>(what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const message = `the engine's code for ${what} could not be loaded; check the connection, and that all files of the library are published together`;
    throw new FoveaError("download-failed", message, { cause });
  }
}

/** A part whose exports are used synchronously, after it has been loaded. */
export class LatePart<T> {
  readonly #what: string;
  readonly #import: () => Promise<T>;
  #loaded: T | undefined;

  /** Parameters as of `loadCode`. */
  constructor(what: string, load: () => Promise<T>) {
    this.#what = what;
    this.#import = load;
  }

  /** Loads the part; once it is there, does nothing. Throws as `loadCode`. */
  async load(): Promise<void> {
    this.#loaded ??= await loadCode(this.#what, this.#import);
  }

  /** The part's exports. Throws an Error before `load` has resolved; `readModel` loads a model's parts before it is built. */
  get now(): T {
    if (this.#loaded === undefined) throw new Error(`Fovea internal error: the code for ${this.#what} is not loaded`);
    return this.#loaded;
  }
}
