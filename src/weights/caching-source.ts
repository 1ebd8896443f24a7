/**
 * A file that is checked and stored while it is read. Stored parts come from disk; missing parts come from the network
 * and go to both the reader and the disk. Readers call `finish` before they use any bytes, because a part without a
 * hash can only be checked at the end of the file. The parts on disk are managed in stored-file.ts.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { assert } from "../shared/assert.ts";
import { type ByteSource, checkRange, collect, type ReadOptions } from "./byte-source.ts";
import { digestSha256, FileHash, hexOf } from "./hash.ts";
import { type FileIdentity, partCount, partLength, type StoredFile } from "./stored-file.ts";

/** The last part read, shared by all files of a model: a part with a header often also has the first tensors. */
export interface RecentPart {
  source?: CachingSource;
  part?: number;
  bytes?: Uint8Array;
}

export interface CachingOptions {
  /** Opens the published file; called at most once, when a part is missing. */
  openRemote(options: ReadOptions): Promise<ByteSource>;
  /** Storage of parts; without it nothing is stored. */
  stored?: StoredFile | undefined;
  /** Default: not shared. */
  recent?: RecentPart | undefined;
  /** Called when a part cannot be stored. Reading continues without storing. */
  onStoreFailure?: ((error: unknown) => void) | undefined;
}

/** A source that stores every part it fetches. */
export class CachingSource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  readonly #identity: FileIdentity;
  readonly #options: CachingOptions;
  #stored: StoredFile | undefined;
  #remote: Promise<ByteSource> | undefined;
  /** Hash of each part: recorded, or from its first arrival. A part never changes during reads. */
  readonly #hashes: (string | undefined)[];
  /** Hash of the first `#hashed` parts; only if a hash is published and not yet compared. */
  readonly #whole: FileHash | undefined;
  #hashed = 0;
  #finished: boolean;
  #isDamaged = false;
  readonly #recent: RecentPart;

  constructor(identity: FileIdentity, options: CachingOptions) {
    const { stored } = options;
    this.name = identity.name;
    this.byteLength = identity.byteLength;
    this.#identity = identity;
    this.#options = options;
    this.#stored = stored;
    this.#recent = options.recent ?? {};
    this.#finished = stored?.isComplete ?? false;
    if (identity.digest && !this.#finished) this.#whole = new FileHash(identity.digest.algorithm, identity.byteLength);
    this.#hashes = [...(stored?.hashes ?? new Array<undefined>(partCount(identity)).fill(undefined))];
  }

  /** An incomplete file must be read as a whole, because all of it is hashed. */
  get seekable(): boolean {
    return this.#finished;
  }

  /** Bytes that are still to be fetched and stored. */
  get missingBytes(): number {
    return this.#stored ? this.byteLength - this.#stored.storedBytes : 0;
  }

  /** True if the whole file is verified and on disk. */
  get isKept(): boolean {
    return this.#finished && this.#stored !== undefined;
  }

  /** True if its bytes do not match the published file. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  async read(start: number, end: number, options?: ReadOptions): Promise<Uint8Array> {
    checkRange(this, start, end);
    return collect(this.stream(start, end, options), end - start);
  }

  async *stream(start: number, end: number, { signal }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    checkRange(this, start, end);
    let at = start;
    let ahead: Promise<Uint8Array | undefined> | undefined;
    while (at < end) {
      throwIfAborted(signal, `reading of ${this.name}`);
      const part = Math.floor(at / this.#identity.partBytes);
      const bytes = await (ahead ?? this.#partAtHand(part));
      // Reads and hashes the next part while the reader uses this one.
      const next = (part + 1) * this.#identity.partBytes;
      ahead = bytes && next < end && this.#stored?.has(part + 1) ? this.#partAtHand(part + 1) : undefined;
      ahead?.catch(() => {});
      if (bytes) {
        const partStart = part * this.#identity.partBytes;
        const wanted = bytes.subarray(at - partStart, end - partStart);
        at += wanted.byteLength;
        yield wanted;
      } else {
        const to = this.#endOfMissing(part, end);
        yield* this.#fetch(part, to, at, end, signal);
        at = Math.min(end, to * this.#identity.partBytes);
      }
    }
  }

  async finish(options: ReadOptions = {}): Promise<void> {
    if (this.#finished) return;
    const { digest } = this.#identity;
    if (digest) {
      // Reads the parts that are not hashed yet, from disk or from the network.
      const from = Math.min(this.#hashed * this.#identity.partBytes, this.byteLength);
      for await (const _ of this.stream(from, this.byteLength, options));
      const hex = this.#whole!.hex();
      if (hex !== digest.hex) throw this.#mismatch(`its hash is ${hex}, expected ${digest.hex}`);
    } else {
      for (const [part, hash] of this.#hashes.entries()) {
        if (hash !== undefined || !this.#stored) continue;
        const start = part * this.#identity.partBytes;
        for await (const _ of this.stream(start, start + partLength(this.#identity, part), options));
      }
    }
    this.#finished = true;
    await this.#keep((stored) => {
      assert(
        this.#hashes.every((hash) => hash !== undefined),
        `${this.name} has parts without a hash`,
      );
      return stored.complete(this.#hashes as string[]);
    });
  }

  /** A part from memory or disk, checked; undefined if it must be fetched. */
  async #partAtHand(part: number): Promise<Uint8Array | undefined> {
    const { source, part: recent, bytes } = this.#recent;
    if (source === this && recent === part) return bytes;
    if (!this.#stored?.has(part)) return undefined;
    const stored = await this.#stored.readPart(part);
    const known = this.#hashes[part];
    if (!stored || (known !== undefined && known !== stored.hash)) return undefined;
    this.#note(part, stored.bytes, stored.hash);
    return stored.bytes;
  }

  /** The end of the run of missing parts that starts at `part`, at most up to byte `end`. */
  #endOfMissing(part: number, end: number): number {
    let to = part + 1;
    while (to * this.#identity.partBytes < end && !this.#stored?.has(to)) to++;
    return to;
  }

  /** Fetches the whole parts [part, to) in one request, and delivers the bytes in [start, end). */
  async *#fetch(
    part: number,
    to: number,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const { partBytes } = this.#identity;
    this.#remote ??= this.#options.openRemote({ signal });
    const remote = await this.#remote.catch((error) => {
      this.#remote = undefined;
      throw error;
    });
    let at = part * partBytes;
    let filling = new Uint8Array(partLength(this.#identity, part));
    for await (const chunk of remote.stream(at, Math.min(to * partBytes, this.byteLength), { signal })) {
      // Cuts chunks at part borders.
      for (let taken = 0; taken < chunk.byteLength; ) {
        const partStart = part * partBytes;
        const piece = chunk.subarray(taken, taken + partStart + filling.byteLength - at);
        filling.set(piece, at - partStart);
        // A part with a known hash is delivered only after the comparison.
        const isKnown = this.#hashes[part] !== undefined;
        const wanted = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
        taken += piece.byteLength;
        at += piece.byteLength;
        if (!isKnown && wanted.byteLength > 0) yield wanted;
        if (at < partStart + filling.byteLength) continue;
        await this.#arrived(part, filling);
        const whole = filling.subarray(Math.max(0, start - partStart), Math.max(0, end - partStart));
        if (isKnown && whole.byteLength > 0) yield whole;
        part++;
        if (part < to) filling = new Uint8Array(partLength(this.#identity, part));
      }
    }
  }

  /** Checks and stores a part that came from the network. */
  async #arrived(part: number, bytes: Uint8Array): Promise<void> {
    const digest = await digestSha256(bytes);
    const hash = hexOf(digest);
    const known = this.#hashes[part];
    if (known !== undefined && known !== hash)
      throw this.#mismatch(`the part from byte ${part * this.#identity.partBytes} has changed`);
    this.#note(part, bytes, hash);
    await this.#keep((stored) => stored.writePart(part, bytes, digest));
  }

  #note(part: number, bytes: Uint8Array, hash: string): void {
    this.#hashes[part] = hash;
    Object.assign(this.#recent, { source: this, part, bytes });
    if (this.#finished || part !== this.#hashed) return;
    this.#whole?.update(bytes);
    this.#hashed++;
  }

  /** Stores something. If that fails, stores nothing more. */
  async #keep(store: (stored: StoredFile) => Promise<void>): Promise<void> {
    if (!this.#stored) return;
    try {
      await store(this.#stored);
    } catch (error) {
      this.#stored = undefined;
      this.#options.onStoreFailure?.(error);
    }
  }

  #mismatch(what: string): FoveaError {
    this.#isDamaged = true;
    return new FoveaError(
      "hash-mismatch",
      `${this.name}: ${what}; the download is damaged or not the published file. Load again, or from another server`,
    );
  }
}
