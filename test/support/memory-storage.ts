/** A private file system in memory, with a quota, for tests of what is stored. Node only; browsers have a real one. */
import { vi } from "vitest";

/** The storage of one origin. */
export class MemoryStorage {
  /** Bytes that fit; a write beyond them fails as in a browser. */
  quotaBytes = Number.POSITIVE_INFINITY;
  /** Free bytes that the browser reports, if not the true number. */
  claimedFreeBytes: number | undefined;
  #root = new MemoryFolder("", this);

  /** Replaces `navigator` until the test's globals are restored. */
  static install(): MemoryStorage {
    const storage = new MemoryStorage();
    vi.stubGlobal("navigator", {
      storage: {
        getDirectory: async () => storage.#root,
        persist: async () => true,
        persisted: async () => true,
        estimate: async () => {
          const quota = Math.min(storage.quotaBytes, 1e15);
          const usage = storage.usedBytes;
          return { quota, usage: storage.claimedFreeBytes === undefined ? usage : quota - storage.claimedFreeBytes };
        },
      },
    });
    return storage;
  }

  get usedBytes(): number {
    return this.#root.byteLength;
  }

  /** Paths of all files. */
  paths(): string[] {
    return this.#root.paths("").sort();
  }
}

class MemoryFile {
  readonly kind = "file";
  readonly name: string;
  bytes = new Uint8Array(0);
  readonly #storage: MemoryStorage;

  constructor(name: string, storage: MemoryStorage) {
    this.name = name;
    this.#storage = storage;
  }

  async getFile(): Promise<File> {
    return new File([this.bytes], this.name);
  }

  async createWritable() {
    const pieces: Uint8Array[] = [];
    return {
      write: async (piece: Uint8Array) => void pieces.push(piece.slice()),
      abort: async () => {},
      close: async () => {
        const bytes = new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
        if (this.#storage.usedBytes - this.bytes.length + bytes.length > this.#storage.quotaBytes)
          throw new DOMException("the storage is full", "QuotaExceededError");
        this.bytes = bytes;
      },
    };
  }
}

class MemoryFolder {
  readonly kind = "directory";
  readonly name: string;
  readonly #storage: MemoryStorage;
  readonly #entries = new Map<string, MemoryFolder | MemoryFile>();

  constructor(name: string, storage: MemoryStorage) {
    this.name = name;
    this.#storage = storage;
  }

  get byteLength(): number {
    return [...this.#entries.values()].reduce(
      (sum, entry) => sum + (entry instanceof MemoryFile ? entry.bytes.length : entry.byteLength),
      0,
    );
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryFolder> {
    if (!this.#entries.has(name) && create) this.#entries.set(name, new MemoryFolder(name, this.#storage));
    return this.#entry(name, MemoryFolder);
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<MemoryFile> {
    if (!this.#entries.has(name) && create) this.#entries.set(name, new MemoryFile(name, this.#storage));
    return this.#entry(name, MemoryFile);
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.#entries.delete(name)) throw new DOMException(name, "NotFoundError");
  }

  async *keys(): AsyncGenerator<string> {
    yield* [...this.#entries.keys()];
  }

  paths(above: string): string[] {
    return [...this.#entries].flatMap(([name, entry]) =>
      entry instanceof MemoryFolder ? entry.paths(`${above}${name}/`) : [`${above}${name}`],
    );
  }

  #entry<T>(name: string, kind: abstract new (...args: never[]) => T): T {
    const entry = this.#entries.get(name);
    if (!entry) throw new DOMException(name, "NotFoundError");
    if (!(entry instanceof kind)) throw new DOMException(name, "TypeMismatchError");
    return entry;
  }
}
