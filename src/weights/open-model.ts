/**
 * Opens a model, however it was named, for as long as it is being loaded: files come from disk or from where they are
 * published, are checked, kept, and counted. What is wrong on disk or came damaged is thrown away and asked for once more.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import type { ByteSource, FileBytes, ReadOptions } from "./byte-source.ts";
import { Counter } from "./counter.ts";
import { type ModelFolder, makeFolder, openFolder } from "./folder.ts";
import { PartedSource, type RecentPart } from "./parted-source.ts";
import type { ReadProgress } from "./read-tensors.ts";
import { type RemoteFile, type RemoteModel, type RemoteOptions, remoteModel } from "./remote-model.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, TransientFailure } from "./retry.ts";
import { checkRoom } from "./storage.ts";
import { ModelStore } from "./store.ts";
import type { FileIdentity } from "./stored-file.ts";

/** How files are cut on disk: few enough for a file system, small enough to hold some and to lose one. */
export const PART_BYTES = 4 << 20;

/** Without an answer, what is on disk does as well: one more try is enough to find out. */
const STORED_RETRY: RetryPolicy = { ...DEFAULT_RETRY_POLICY, attempts: 2 };

export interface OpenModelOptions extends RemoteOptions, ReadOptions {
  /** "opfs" (default): where the browser has a private file system, files are kept in it. */
  cache?: "opfs" | "none" | undefined;
  /** Called as bytes of any file arrive. */
  onBytes?: ((progress: ReadProgress) => void) | undefined;
  /** Length of a part on disk. */
  partBytes?: number | undefined;
}

export type ModelSource = string | URL | Readonly<Record<string, FileBytes>>;

/**
 * Opens a model's folder for `load`, which reads what it wants and gives what it made of it. If that fails because
 * something that came or was on disk is not what it must be, `load` is called a second time, with the wrong files gone.
 * What `load` has read counts as right only once it ended: a stored model is noted as complete then.
 *
 * @throws TypeError for a source that names no model. FoveaError `hash-mismatch` if a file is wrong twice;
 * `download-failed` also if there is no room to store the model; `aborted`; what `load` throws.
 */
export async function withModel<T>(
  source: ModelSource,
  options: OpenModelOptions,
  load: (folder: ModelFolder) => Promise<T>,
): Promise<T> {
  const counter = new Counter(options.onBytes);
  if (typeof source !== "string" && !(source instanceof URL)) return load(counter.folder(openFolder(source)));
  const remote = remoteModel(source, options);
  for (let mayTryAgain = true; ; ) {
    throwIfAborted(options.signal, "loading");
    counter.reset();
    const store = options.cache === "none" ? undefined : await ModelStore.open(remote.key, options.signal);
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

/** Whether an error says that a server cannot be reached, or is out of order for now. */
export function nobodyAnswers(error: unknown): boolean {
  return error instanceof FoveaError && error.cause instanceof TransientFailure;
}

/** What stands in for a published file when only the disk is left. */
export function unreachable(name: string, location: string): () => Promise<never> {
  return async () => {
    throw new FoveaError(
      "download-failed",
      `${name}: what is stored of it is damaged, and ${location} cannot be reached; load again when it can`,
    );
  };
}

/** Another version of a file is published while others read the one on disk. Never leaves this file. */
class VersionChanged extends Error {}

/** One try at loading. */
class Session {
  readonly folder: ModelFolder;
  readonly #remote: RemoteModel;
  readonly #store: ModelStore | undefined;
  readonly #counter: Counter;
  readonly #options: OpenModelOptions;
  readonly #sources: PartedSource[] = [];
  readonly #recent: RecentPart = {};
  /** Files of which something unconfirmed was on disk when they were opened. */
  readonly #resumed: string[] = [];
  #isOffline = false;
  #hasAsked = false;

  constructor(remote: RemoteModel, store: ModelStore | undefined, counter: Counter, options: OpenModelOptions) {
    this.#remote = remote;
    this.#store = store;
    this.#counter = counter;
    this.#options = options;
    this.folder = counter.folder(makeFolder(remote.location, (name, { signal } = {}) => this.#open(name, signal)));
  }

  async #open(name: string, signal: AbortSignal | undefined): Promise<ByteSource | undefined> {
    const file = await this.#find(name, signal);
    if (this.#isOffline) return this.#openStored(name);
    if (!file) return undefined;
    const { partBytes = PART_BYTES } = this.#options;
    const { byteLength, digest, validator } = file;
    const identity: FileIdentity = { name, byteLength, partBytes, digest, validator };
    // Without a hash to compare and a disk to store on there is nothing to add.
    if (!this.#store)
      return digest ? this.#keep(new PartedSource(identity, { openRemote: file.open })) : file.open({ signal });

    const stored = await this.#storedFile(identity);
    if (stored && !stored.isComplete) {
      const expected = this.#sources.reduce((sum, source) => sum + source.missingBytes, 0);
      await checkRoom(this.#remote.key.source, byteLength - stored.storedBytes + expected);
      if (stored.storedBytes > 0) this.#resumed.push(name);
    }
    return this.#keep(new PartedSource(identity, { openRemote: file.open, stored, recent: this.#recent }));
  }

  #keep(source: PartedSource): PartedSource {
    this.#sources.push(source);
    return source;
  }

  /** Asks where the model is published; notes it if nobody answers, and all of the model is on disk. */
  async #find(name: string, signal: AbortSignal | undefined): Promise<RemoteFile | undefined> {
    if (this.#isOffline) return undefined;
    const isStored = !this.#hasAsked && ((await this.#store?.isComplete()) ?? false);
    const retry = isStored ? STORED_RETRY : undefined;
    try {
      if (!this.#hasAsked) this.#counter.expect(await this.#remote.totalBytes({ signal, retry }));
      const file = await this.#remote.find(name, { signal, retry });
      this.#hasAsked = true;
      return file;
    } catch (error) {
      // Only at the beginning: a load must not take half of a model from here, half from there.
      if (!isStored || !nobodyAnswers(error)) throw error;
      this.#isOffline = true;
      return undefined;
    }
  }

  async #openStored(name: string): Promise<ByteSource | undefined> {
    const stored = await this.#store?.find(name);
    if (!stored) return undefined;
    const openRemote = unreachable(name, this.#remote.location);
    // Whatever its description says by now, it was whole once.
    if (!stored.isComplete) return openRemote();
    return this.#keep(new PartedSource(stored.identity, { openRemote, stored, recent: this.#recent }));
  }

  /** Where a file is kept; undefined if the disk does not take it. */
  async #storedFile(identity: FileIdentity) {
    try {
      const stored = await this.#store!.file(identity);
      if (!stored) throw new VersionChanged(`${identity.name} changed`);
      return stored;
    } catch (error) {
      if (error instanceof DOMException) return undefined;
      throw error;
    }
  }

  /** Notes that all is there, if it is. */
  async succeeded(): Promise<void> {
    const isWhole = this.#sources.every((source) => source.isKept);
    // A disk that is full or gone by now does not make the model that was loaded a worse one.
    if (isWhole && !this.#isOffline) await this.#store?.complete(this.#sources.map(({ name }) => name)).catch(() => {});
  }

  /** Throws away what cannot be right, and says whether another try may do better. */
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
    // A header that makes no sense may have come damaged; nothing of such a file is to be gone on with.
    const doubtful = this.#sources.filter((source) => !source.isKept).map(({ name }) => name);
    await drop(doubtful);
    return this.#resumed.some((name) => doubtful.includes(name)) ? "damaged" : "give up";
  }
}
