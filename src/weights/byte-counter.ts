/** Counts the loaded bytes of a model's files, from any source and in any order of reads. */
import type { ByteSource, ReadOptions } from "./byte-source.ts";
import { type ModelFolder, makeFolder } from "./folder.ts";
import type { ReadProgress } from "./read-tensors.ts";

/** Counts bytes over the wrapped sources of a model. */
export class ByteCounter {
  readonly #onBytes: ((progress: ReadProgress) => void) | undefined;
  /** File -> its length, and the end of what was read. */
  readonly #files = new Map<string, { byteLength: number; seen: number }>();
  #expected = 0;

  constructor(onBytes: ((progress: ReadProgress) => void) | undefined) {
    this.#onBytes = onBytes;
  }

  /** Sets the length of all files, if it is known before they are opened. */
  expect(totalBytes: number | undefined): void {
    this.#expected = totalBytes ?? 0;
  }

  /** Starts from zero. */
  reset(): void {
    this.#files.clear();
  }

  /** The same folder, with its reads counted. */
  folder(folder: ModelFolder): ModelFolder {
    const open: ModelFolder["open"] = async (name, options) => {
      const source = await folder.open(name, options);
      if (!source) return undefined;
      this.#files.set(name, { byteLength: source.byteLength, seen: 0 });
      return new CountedSource(source, (end) => this.#reached(name, end));
    };
    return makeFolder(folder.location, open, folder);
  }

  #reached(name: string, end: number): void {
    const file = this.#files.get(name);
    if (!file || end <= file.seen) return;
    file.seen = end;
    let loadedBytes = 0;
    let knownBytes = 0;
    for (const { byteLength, seen } of this.#files.values()) {
      loadedBytes += seen;
      knownBytes += byteLength;
    }
    this.#onBytes?.({ file: name, loadedBytes, totalBytes: Math.max(knownBytes, this.#expected) });
  }
}

class CountedSource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  readonly #source: ByteSource;
  readonly #reached: (end: number) => void;

  constructor(source: ByteSource, reached: (end: number) => void) {
    this.name = source.name;
    this.byteLength = source.byteLength;
    this.#source = source;
    this.#reached = reached;
  }

  get seekable(): boolean {
    return this.#source.seekable;
  }

  async read(start: number, end: number, options?: ReadOptions): Promise<Uint8Array> {
    const bytes = await this.#source.read(start, end, options);
    this.#reached(end);
    return bytes;
  }

  async *stream(start: number, end: number, options?: ReadOptions): AsyncGenerator<Uint8Array> {
    let at = start;
    for await (const chunk of this.#source.stream(start, end, options)) {
      at += chunk.byteLength;
      this.#reached(at);
      yield chunk;
    }
  }

  async finish(options?: ReadOptions): Promise<void> {
    await this.#source.finish?.(options);
    this.#reached(this.byteLength);
  }
}
