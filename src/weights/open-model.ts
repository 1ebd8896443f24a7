/**
 * Opens a model during a load. Files come from disk or from their published address; they are checked, stored and
 * counted. Damaged files are deleted and fetched once more.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { ByteCounter } from "./byte-counter.ts";
import type { ByteSource, FileBytes, ReadOptions } from "./byte-source.ts";
import { CachingSource, type RecentPart } from "./caching-source.ts";
import { type FileSize, type ModelFolder, makeFolder, openFolder } from "./folder.ts";
import { type AccessOptions, type AskOptions, type PublishedModel, publishedModel } from "./published-model.ts";
import type { ReadProgress } from "./read-tensors.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, TransientFailure } from "./retry.ts";
import { checkRoom } from "./storage.ts";
import { ModelStore } from "./store.ts";
import type { FileIdentity } from "./stored-file.ts";

/** Length of a part on disk: few parts per file, small enough to hold some in memory and to lose one. */
export const PART_BYTES = 4 << 20;

const NOT_STORED =
  "The model cannot be stored in this browser: private window, full disk or no private file system. The next load downloads it again.";

/** If the server does not answer, the stored files do: one retry is enough. */
const STORED_RETRY: RetryPolicy = { ...DEFAULT_RETRY_POLICY, attempts: 2 };

export interface OpenModelOptions extends AccessOptions, ReadOptions {
  /** "opfs" (default) stores files in the browser's private file system, if it has one. */
  cache?: "opfs" | "none" | undefined;
  /** Called as bytes of any file arrive. */
  onBytes?: ((progress: ReadProgress) => void) | undefined;
  /** Called with a sentence when the model cannot be stored; loading continues. */
  onWarning?: ((message: string) => void) | undefined;
  /** Length of a part on disk. */
  partBytes?: number | undefined;
}

export type ModelSource = string | URL | Readonly<Record<string, FileBytes>>;

/**
 * Opens a model's folder for `load`, and returns the result of `load`. If it fails because of a damaged file, that file
 * is deleted and `load` is called a second time. The model is marked complete on disk only after `load` resolves.
 *
 * @throws TypeError for a source that is not a model. FoveaError `hash-mismatch` if a file is damaged twice;
 * `download-failed`, also if there is no space to store the model; `aborted`; errors of `load`.
 */
export async function withModel<T>(
  source: ModelSource,
  options: OpenModelOptions,
  load: (folder: ModelFolder) => Promise<T>,
): Promise<T> {
  const counter = new ByteCounter(options.onBytes);
  if (typeof source !== "string" && !(source instanceof URL))
    return load(counter.folder(openFolder(source, { choice: options.variant })));
  const remote = publishedModel(source, options);
  for (let mayTryAgain = true; ; ) {
    throwIfAborted(options.signal, "loading");
    counter.reset();
    const store = await openStore(remote, options);
    if (!store && options.cache !== "none" && !remote.findStored) options.onWarning?.(NOT_STORED);
    const session = new Session(remote, store, counter, options);
    try {
      const result = await load(session.folder);
      await session.succeeded();
      return result;
    } catch (error) {
      const verdict = await session.failed(error);
      if (verdict === "give up" || (verdict === "damaged" && !mayTryAgain)) throw error;
      if (verdict === "damaged") mayTryAgain = false;
    } finally {
      store?.close();
    }
  }
}

/** The store of the model; undefined if the model is not stored and should not be. */
async function openStore(remote: PublishedModel, { cache, signal }: OpenModelOptions): Promise<ModelStore | undefined> {
  if (remote.findStored) {
    const key = await remote.findStored();
    // Creates nothing for a deleted model.
    return key && ModelStore.open(key, signal);
  }
  return cache === "none" ? undefined : ModelStore.open(remote.key, signal);
}

/** True if an error means that the server cannot be reached for now. */
export function nobodyAnswers(error: unknown): boolean {
  return error instanceof FoveaError && error.cause instanceof TransientFailure;
}

/** Opener of a published file while its server cannot be reached: always fails. */
export function unreachable(name: string, { location, repair }: PublishedModel): () => Promise<never> {
  return async () => {
    throw new FoveaError(
      "download-failed",
      `${name}: the stored copy is damaged and ${location} cannot be reached; ${repair}`,
    );
  };
}

/** A new version of a file is published while others read the stored one. Never leaves this file. */
class VersionChanged extends Error {}

/** One attempt to load. */
class Session {
  readonly folder: ModelFolder;
  readonly #remote: PublishedModel;
  readonly #store: ModelStore | undefined;
  readonly #counter: ByteCounter;
  readonly #options: OpenModelOptions;
  readonly #sources: CachingSource[] = [];
  readonly #recent: RecentPart = {};
  /** Files that had unconfirmed parts on disk when they were opened. */
  readonly #resumed: string[] = [];
  #isOffline = false;
  #hasAsked = false;

  constructor(remote: PublishedModel, store: ModelStore | undefined, counter: ByteCounter, options: OpenModelOptions) {
    this.#remote = remote;
    this.#store = store;
    this.#counter = counter;
    this.#options = options;
    const open: ModelFolder["open"] = (name, { signal } = {}) => this.#open(name, signal);
    const names: ModelFolder["names"] = ({ signal } = {}) => this.#names(signal);
    const sizeOf: ModelFolder["sizeOf"] = (name, options) => this.#sizeOf(name, options?.signal);
    const expect: ModelFolder["expect"] = async (names, options) => {
      const sizes = await Promise.all(names.map((name) => this.#sizeOf(name, options?.signal)));
      counter.expect(sizes.reduce((sum, size) => sum + (size?.bytes ?? 0), 0));
    };
    const listing = { names, choice: remote.choice, ...(remote.names && { sizeOf, expect }) };
    this.folder = counter.folder(makeFolder(remote.location, open, listing));
  }

  async #open(name: string, signal: AbortSignal | undefined): Promise<ByteSource | undefined> {
    const file = await this.#ask((options) => this.#remote.find(name, options), signal);
    if (this.#isOffline) return this.#openStored(name);
    if (!file) return undefined;
    const { partBytes = PART_BYTES } = this.#options;
    const { byteLength, digest, validator } = file;
    const identity: FileIdentity = { name, byteLength, partBytes, digest, validator };
    // Without a hash and a store there is nothing to check or keep.
    if (!this.#store)
      return digest ? this.#keep(new CachingSource(identity, { openRemote: file.open })) : file.open({ signal });

    const stored = await this.#storedFile(identity);
    if (stored && !stored.isComplete) {
      const expected = this.#sources.reduce((sum, source) => sum + source.missingBytes, 0);
      await checkRoom(this.#remote.key.source, byteLength - stored.storedBytes + expected);
      if (stored.storedBytes > 0) this.#resumed.push(name);
    }
    const onStoreFailure = () => this.#options.onWarning?.(NOT_STORED);
    return this.#keep(
      new CachingSource(identity, { openRemote: file.open, stored, recent: this.#recent, onStoreFailure }),
    );
  }

  #keep(source: CachingSource): CachingSource {
    this.#sources.push(source);
    return source;
  }

  async #sizeOf(name: string, signal: AbortSignal | undefined): Promise<FileSize | undefined> {
    const file = await this.#ask((options) => this.#remote.find(name, options), signal);
    const stored = await this.#store?.find(name);
    if (this.#isOffline) return stored && { bytes: stored.identity.byteLength, missingBytes: 0 };
    if (!file || !this.#store) return file && { bytes: file.byteLength, missingBytes: 0 };
    return { bytes: file.byteLength, missingBytes: Math.max(0, file.byteLength - (stored?.storedBytes ?? 0)) };
  }

  async #names(signal: AbortSignal | undefined): Promise<readonly string[] | undefined> {
    const { names } = this.#remote;
    // No server has been asked.
    if (!names) return this.#isOffline ? this.#store?.names() : undefined;
    const listed = await this.#ask((options) => names(options), signal);
    return this.#isOffline ? this.#store?.names() : listed;
  }

  /** Asks the model's server. Goes offline if it does not answer and the whole model is on disk. */
  async #ask<T>(ask: (options: AskOptions) => Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
    if (this.#isOffline) return undefined;
    const isStored = !this.#hasAsked && ((await this.#store?.isComplete()) ?? false);
    const retry = isStored ? STORED_RETRY : undefined;
    try {
      if (!this.#hasAsked) this.#counter.expect(await this.#remote.totalBytes({ signal, retry }));
      const answer = await ask({ signal, retry });
      this.#hasAsked = true;
      return answer;
    } catch (error) {
      // Only for the first file: a load must not mix stored files and newly published ones.
      if (!isStored || !nobodyAnswers(error)) throw error;
      this.#isOffline = true;
      return undefined;
    }
  }

  async #openStored(name: string): Promise<ByteSource | undefined> {
    const stored = await this.#store?.find(name);
    if (!stored) return undefined;
    const openRemote = unreachable(name, this.#remote);
    // The model was complete, so an incomplete file means damage.
    if (!stored.isComplete) return openRemote();
    return this.#keep(new CachingSource(stored.identity, { openRemote, stored, recent: this.#recent }));
  }

  /** The file on disk; undefined if it cannot be stored. */
  async #storedFile(identity: FileIdentity) {
    try {
      const stored = await this.#store!.file(identity);
      if (!stored) throw new VersionChanged(`${identity.name} changed`);
      return stored;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.#options.onWarning?.(NOT_STORED);
      return undefined;
    }
  }

  /** Marks the model complete, if all files are. */
  async succeeded(): Promise<void> {
    const isWhole = this.#sources.every((source) => source.isKept);
    // A full disk does not affect the loaded model.
    if (isWhole && !this.#isOffline) await this.#store?.complete(this.#sources.map(({ name }) => name)).catch(() => {});
  }

  /** Deletes damaged files, and says if a retry may succeed. */
  async failed(error: unknown): Promise<"give up" | "changed" | "damaged"> {
    const drop = async (names: Iterable<string>) => {
      for (const name of new Set(names)) await this.#store?.drop(name).catch(() => {});
    };
    if (error instanceof VersionChanged) {
      await this.#store?.forgetComplete();
      return "changed";
    }
    if (!(error instanceof FoveaError)) return "give up";
    if (error.code === "hash-mismatch") {
      await drop(this.#sources.filter((source) => source.isDamaged).map(({ name }) => name));
      return "damaged";
    }
    if (error.code !== "bad-weights") return "give up";
    // An invalid header may come from a damaged download, so no part of such a file is reused.
    const doubtful = this.#sources.filter((source) => !source.isKept).map(({ name }) => name);
    await drop(doubtful);
    return this.#resumed.some((name) => doubtful.includes(name)) ? "damaged" : "give up";
  }
}
