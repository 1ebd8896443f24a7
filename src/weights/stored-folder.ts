/** Writes files of unknown length into a model's folder on disk, in the parts that stored-file.ts reads. */
import { assert } from "../shared/assert.ts";
import type { FileSink, FolderSink } from "./formats/packed/write-safetensors.ts";
import { digestSha256, hexOf } from "./hash.ts";
import type { StoredFile } from "./stored-file.ts";

interface OpenPart {
  bytes: Uint8Array;
  /** Written bytes. Every byte is written once. */
  filled: number;
}

/** A place on disk for the files of one model. */
export class StoredFolder implements FolderSink {
  /** Names of the complete files. */
  readonly names: string[] = [];
  /** Length of the complete files. */
  byteLength = 0;
  readonly #begin: (name: string) => Promise<StoredFile>;

  /** @param begin a new file, whose length is not known yet */
  constructor(begin: (name: string) => Promise<StoredFile>) {
    this.#begin = begin;
  }

  async create(name: string): Promise<FileSink> {
    const file = new PartedFile(await this.#begin(name));
    return {
      write: (position, bytes) => file.write(position, bytes),
      close: async () => {
        this.byteLength += await file.close();
        this.names.push(name);
      },
    };
  }

  async rename(): Promise<void> {
    assert(false, "a stored file keeps its name");
  }
}

/** Holds the parts that are not full: the last one, and the first until the header is written. */
class PartedFile {
  readonly #file: StoredFile;
  readonly #open = new Map<number, OpenPart>();
  readonly #hashes: string[] = [];
  #byteLength = 0;

  constructor(file: StoredFile) {
    this.#file = file;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const { partBytes } = this.#file.identity;
    this.#byteLength = Math.max(this.#byteLength, position + bytes.byteLength);
    for (let taken = 0; taken < bytes.byteLength; ) {
      const at = position + taken;
      const number = Math.floor(at / partBytes);
      const part = this.#open.get(number) ?? { bytes: new Uint8Array(partBytes), filled: 0 };
      this.#open.set(number, part);
      const start = at - number * partBytes;
      const piece = bytes.subarray(taken, taken + partBytes - start);
      part.bytes.set(piece, start);
      part.filled += piece.byteLength;
      taken += piece.byteLength;
      if (part.filled === partBytes) await this.#store(number, part.bytes);
    }
  }

  /** Returns the file's length. */
  async close(): Promise<number> {
    const { partBytes } = this.#file.identity;
    for (const [number, { bytes, filled }] of this.#open) {
      const length = Math.min(partBytes, this.#byteLength - number * partBytes);
      assert(filled === length, `part ${number} of ${this.#file.identity.name} has ${filled} of ${length} bytes`);
      await this.#store(number, bytes.subarray(0, length));
    }
    await this.#file.seal(this.#byteLength, this.#hashes);
    return this.#byteLength;
  }

  async #store(number: number, bytes: Uint8Array): Promise<void> {
    const hash = await digestSha256(bytes);
    await this.#file.writePart(number, bytes, hash);
    this.#hashes[number] = hexOf(hash);
    this.#open.delete(number);
  }
}
