/**
 * The models on disk: one folder each, in the origin's private file system, with one folder a file (stored-file.ts).
 *
 *     fovea-models/MODEL/model.json   the model's source, and the time of its first stored byte
 *     fovea-models/MODEL/complete     exists once all files for loading are stored and verified
 *     fovea-models/MODEL/FILE/...
 *
 * Folder names are hashes, so that untrusted names cannot choose a path.
 */

import { isJsonObject } from "../shared/json.ts";
import type { StoredModel } from "../shared/stored-model.ts";
import { textSha256 } from "./hash.ts";
import { acquireLock } from "./locks.ts";
import { entryNames, type Folder, privateFolder, readFile, remove, subfolder, writeFile } from "./opfs.ts";
import { type FileIdentity, folderName, readJson, StoredFile, sameFile, writeJson } from "./stored-file.ts";
import { StoredFolder } from "./stored-folder.ts";

const ROOT = "fovea-models";
const MODEL = "model.json";
const COMPLETE = "complete";
/** In format 1, addresses that differed in their query shared one folder. */
const FORMAT = 2;

/** Identifies a model's folder. */
export interface ModelKey {
  /** As callers write it, without secrets. */
  readonly source: string;
  /** The rest of the key: the hub's address, or the hash of an address's query. */
  readonly origin: string;
}

function lockName(key: string): string {
  return `fovea-model-${key}`;
}

function modelFolderName({ source, origin }: ModelKey): string {
  return textSha256(JSON.stringify([source, origin])).slice(0, 32);
}

/** A stored model, read without a lock: it may change or disappear at any time. */
export class StoredView {
  readonly #folder: Folder;
  /** Time of the first stored byte, as ISO 8601. */
  readonly since: string;

  private constructor(folder: Folder, since: string) {
    this.#folder = folder;
    this.since = since;
  }

  /** Undefined if the model is not stored. */
  static async open(key: ModelKey): Promise<StoredView | undefined> {
    const root = await privateFolder(ROOT);
    const folder = root && (await subfolder(root, modelFolderName(key), false));
    const model = folder && (await readModel(folder));
    return model && new StoredView(folder, model.since);
  }

  async find(name: string): Promise<StoredFile | undefined> {
    return StoredFile.find(this.#folder, name);
  }

  async isComplete(): Promise<boolean> {
    return isComplete(this.#folder);
  }

  /** Names of the files with stored bytes. */
  async names(): Promise<string[]> {
    return (await filesIn(this.#folder)).map(({ identity }) => identity.name);
  }
}

/** One model's folder, held under a lock until `close`. */
export class ModelStore {
  readonly #folder: Folder;
  readonly #isExclusive: boolean;
  readonly #release: () => void;
  /** The last call of `file`. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(folder: Folder, isExclusive: boolean, release: () => void) {
    this.#folder = folder;
    this.#isExclusive = isExclusive;
    this.#release = release;
  }

  /**
   * Opens a model's folder: shared if the model is complete, exclusive if something must be written. Waits for other
   * tabs that download this model: one download serves them all, and no other model waits for it. A server that stalls
   * ends the download and with it the wait. Undefined where nothing can be stored. Throws `aborted`.
   */
  static async open(key: ModelKey, signal?: AbortSignal): Promise<ModelStore | undefined> {
    const root = await privateFolder(ROOT);
    if (!root) return undefined;
    const name = modelFolderName(key);
    // A second round: another tab may have stored the model during the wait.
    for (const [round, mode] of (["shared", "exclusive", "shared", "exclusive"] as const).entries()) {
      const release = await acquireLock(lockName(name), mode, signal);
      try {
        const isExclusive = mode === "exclusive";
        const folder = await ModelStore.#prepare(root, name, key, isExclusive);
        if (folder && !(round === 1 && (await isComplete(folder)))) return new ModelStore(folder, isExclusive, release);
      } catch (error) {
        release();
        // Full storage or a broken file system: continue without storing.
        if (error instanceof DOMException) return undefined;
        throw error;
      }
      release();
    }
    return undefined;
  }

  /**
   * An empty folder for a model that is created on this device, held exclusively. Earlier contents are removed, unless
   * `isKept` returns true under the lock.
   *
   * @returns "kept" in that case; undefined if nothing can be stored
   * @throws FoveaError `aborted`; DOMException `QuotaExceededError` if the storage is full
   */
  static async create(
    key: ModelKey,
    isKept: () => Promise<boolean>,
    signal?: AbortSignal,
  ): Promise<ModelStore | "kept" | undefined> {
    const root = await privateFolder(ROOT);
    if (!root) return undefined;
    const name = modelFolderName(key);
    const release = await acquireLock(lockName(name), "exclusive", signal);
    try {
      if (!(await isKept())) {
        await remove(root, name);
        return new ModelStore((await ModelStore.#prepare(root, name, key, true))!, true, release);
      }
    } catch (error) {
      release();
      if (error instanceof DOMException && error.name !== "QuotaExceededError") return undefined;
      throw error;
    }
    release();
    return "kept";
  }

  /** Removes a model once no other tab is loading it, unless `isKept` returns true under the lock. */
  static async remove(key: ModelKey, isKept: () => Promise<boolean>): Promise<void> {
    const root = await privateFolder(ROOT);
    const name = modelFolderName(key);
    const release = await acquireLock(lockName(name), "exclusive");
    try {
      if (root && !(await isKept())) await remove(root, name);
    } finally {
      release();
    }
  }

  /** The model's folder. Without write access, undefined unless the model is complete. */
  static async #prepare(root: Folder, name: string, key: ModelKey, mayWrite: boolean): Promise<Folder | undefined> {
    const folder = await subfolder(root, name, mayWrite);
    if (!folder) return undefined;
    if (!mayWrite) return (await isComplete(folder)) && (await readModel(folder)) ? folder : undefined;
    if (!(await readModel(folder))) {
      // The description is unreadable, so the parts cannot be used.
      for (const entry of await entryNames(folder)) await remove(folder, entry);
      await writeJson(folder, MODEL, { format: FORMAT, ...key, since: new Date().toISOString() });
    }
    return folder;
  }

  /** True if all files for loading are stored. */
  async isComplete(): Promise<boolean> {
    return isComplete(this.#folder);
  }

  /** Names of the files with stored bytes. */
  async names(): Promise<string[]> {
    return (await filesIn(this.#folder)).map(({ identity }) => identity.name);
  }

  /** The file of this name, in any version. */
  async find(name: string): Promise<StoredFile | undefined> {
    return StoredFile.find(this.#folder, name);
  }

  /**
   * The file of this identity on disk, with its parts. Removes another version of it. Undefined if that is impossible
   * now, because others are reading: see `forgetComplete`. Throws DOMException if nothing can be stored. Calls run one
   * after another: browsers refuse one of two concurrent changes of a folder, and its file would not be stored.
   */
  file(identity: FileIdentity): Promise<StoredFile | undefined> {
    const found = this.#last.then(() => this.#file(identity));
    this.#last = found.catch(() => {});
    return found;
  }

  async #file(identity: FileIdentity): Promise<StoredFile | undefined> {
    const stored = await this.find(identity.name);
    // Without a hash or validator, parts of different versions cannot be told apart.
    const isSure = identity.digest !== undefined || identity.validator !== undefined;
    if (stored && sameFile(stored.identity, identity) && (isSure || stored.isComplete)) return stored;
    if (!this.#isExclusive) return undefined;
    await this.forgetComplete();
    return StoredFile.create(this.#folder, identity);
  }

  /** For files that are created on this device. */
  folder(partBytes: number): StoredFolder {
    return new StoredFolder((name) => StoredFile.begin(this.#folder, name, partBytes));
  }

  /** Removes the model and its folder. */
  async discard(): Promise<void> {
    const root = await privateFolder(ROOT);
    if (root) await remove(root, this.#folder.name);
  }

  /** Removes a file. */
  async drop(name: string): Promise<void> {
    await this.forgetComplete();
    await remove(this.#folder, folderName(name));
  }

  /** Makes the next open exclusive. */
  async forgetComplete(): Promise<void> {
    await remove(this.#folder, COMPLETE);
  }

  /** Marks the model complete with these files, and removes all others. */
  async complete(names: readonly string[]): Promise<void> {
    if (!this.#isExclusive) return;
    const wanted = new Set([MODEL, ...names.map(folderName)]);
    for (const entry of await entryNames(this.#folder)) if (!wanted.has(entry)) await remove(this.#folder, entry);
    await writeFile(this.#folder, COMPLETE, []);
  }

  /** Releases the lock. */
  close(): void {
    this.#release();
  }
}

async function filesIn(folder: Folder): Promise<StoredFile[]> {
  const files = (await entryNames(folder)).map(async (name) => {
    const inner = await subfolder(folder, name, false);
    return inner && StoredFile.read(inner);
  });
  return (await Promise.all(files)).filter((file) => file !== undefined);
}

/** All models on disk, unordered. */
export async function listStored(): Promise<StoredModel[]> {
  const found: StoredModel[] = [];
  for (const { folder, key } of await modelFolders()) {
    const listed = (await filesIn(folder)).map((file) => ({ name: file.identity.name, bytes: file.storedBytes }));
    found.push({
      source: key?.source ?? "",
      files: listed.sort((a, b) => (a.name < b.name ? -1 : 1)),
      bytes: listed.reduce((sum, { bytes }) => sum + bytes, 0),
      complete: await isComplete(folder),
      since: key?.since ?? "",
    });
  }
  return found;
}

/** Removes the models of these sources from disk, once no other tab is loading them. Returns true if one was stored. */
export async function deleteStored(sources: readonly string[], signal?: AbortSignal): Promise<boolean> {
  let removed = false;
  for (const { root, name, key } of await modelFolders()) {
    if (!sources.includes(key?.source ?? "")) continue;
    const release = await acquireLock(lockName(name), "exclusive", signal);
    try {
      await remove(root, name);
      removed = true;
    } finally {
      release();
    }
  }
  return removed;
}

interface FoundFolder {
  root: Folder;
  name: string;
  folder: Folder;
  /** Undefined if the description is missing or damaged. */
  key: { source: string; since: string } | undefined;
}

async function modelFolders(): Promise<FoundFolder[]> {
  const root = await privateFolder(ROOT);
  if (!root) return [];
  const found = (await entryNames(root)).map(async (name): Promise<FoundFolder[]> => {
    const folder = await subfolder(root, name, false);
    return folder ? [{ root, name, folder, key: await readModel(folder) }] : [];
  });
  return (await Promise.all(found)).flat();
}

async function readModel(folder: Folder): Promise<{ source: string; since: string } | undefined> {
  const json = await readJson(folder, MODEL);
  if (!isJsonObject(json)) return undefined;
  const { format, source, since } = json;
  if (typeof source !== "string" || typeof since !== "string") return undefined;
  // A folder of format 1 may hold another address's model. Models by name keep theirs.
  const isCertain = format === FORMAT || (format === 1 && !/^https?:/.test(source));
  return isCertain ? { source, since } : undefined;
}

async function isComplete(folder: Folder): Promise<boolean> {
  return (await readFile(folder, COMPLETE)) !== undefined;
}
