/**
 * A file that is checked, and kept, while it is being read: parts that are on disk come from there, the others from the
 * network, on their way to the reader and to the disk at once. What has no hash yet may turn out wrong only at its end,
 * which is why readers call `finish` before they use anything. Where the parts lie is stored-file.ts.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { assert } from "../shared/assert.ts";
import { type ByteSource, checkRange, collect, type ReadOptions } from "./byte-source.ts";
import { digestSha256, FileHash, hexOf } from "./hash.ts";
import { type FileIdentity, partCount, partLength, type StoredFile } from "./stored-file.ts";

/** The part that was read last of whichever file: its header, say, in which the tensors begin. One for all files of a model. */
export interface RecentPart {
  source?: PartedSource;
  part?: number;
  bytes?: Uint8Array;
}

export interface PartedOptions {
  /** Opens the file where it is published; called at most once, when something is missing. */
  openRemote(options: ReadOptions): Promise<ByteSource>;
  /** Where parts are kept; without it nothing is. */
  stored?: StoredFile | undefined;
  /** Default: one of its own. */
  recent?: RecentPart | undefined;
  /** Called when a part cannot be kept. The reading goes on without storing. */
  onStoreFailure?: ((error: unknown) => void) | undefined;
}

export class PartedSource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  readonly #identity: FileIdentity;
  readonly #options: PartedOptions;
  #stored: StoredFile | undefined;
  #remote: Promise<ByteSource> | undefined;
  /** Hash of each part: recorded, or as it first came. A part never changes under a reader. */
  readonly #hashes: (string | undefined)[];
  /** Of the first `#hashed` parts; only where a hash is published and was not compared yet. */
  readonly #whole: FileHash | undefined;
  #hashed = 0;
  #finished: boolean;
  #isDamaged = false;
  readonly #recent: RecentPart;

  constructor(identity: FileIdentity, options: PartedOptions) {
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

  /** Nothing of a file that is not whole can be skipped, as all of it is hashed. */
  get seekable(): boolean {
    return this.#finished;
  }

  /** Bytes that are still to come and to be kept. */
  get missingBytes(): number {
    return this.#stored ? this.byteLength - this.#stored.storedBytes : 0;
  }

  /** Whether the file is whole and right on disk. */
  get isKept(): boolean {
    return this.#finished && this.#stored !== undefined;
  }

  /** Whether it turned out not to be the published file. */
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
      // The next one is read and hashed while the reader is busy with this one.
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
      // Whatever was not hashed yet, from disk or from the network.
      const from = Math.min(this.#hashed * this.#identity.partBytes, this.byteLength);
      for await (const _ of this.stream(from, this.byteLength, options));
      const hex = this.#whole!.hex();
      if (hex !== digest.hex) throw this.#mismatch(`its hash is ${hex}, ${digest.hex} is published`);
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

  /** A part that need not be fetched, checked. */
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

  /** The end of the run of parts from `part` on that must be fetched, in front of byte `end`. */
  #endOfMissing(part: number, end: number): number {
    let to = part + 1;
    while (to * this.#identity.partBytes < end && !this.#stored?.has(to)) to++;
    return to;
  }

  /** Fetches whole parts [part, to) in one request, and delivers of them what lies in [start, end). */
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
      // Cut at the borders of parts, as the bytes of each go their own way.
      for (let taken = 0; taken < chunk.byteLength; ) {
        const partStart = part * partBytes;
        const piece = chunk.subarray(taken, taken + partStart + filling.byteLength - at);
        filling.set(piece, at - partStart);
        // A part whose hash is known is shown to nobody before it is compared.
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

  /** A part that came from the network. */
  async #arrived(part: number, bytes: Uint8Array): Promise<void> {
    const digest = await digestSha256(bytes);
    const hash = hexOf(digest);
    const known = this.#hashes[part];
    if (known !== undefined && known !== hash)
      throw this.#mismatch(
        `the part from byte ${part * this.#identity.partBytes} is not the one that was there before`,
      );
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

  /** Stores something, or from now on nothing if that fails. */
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
      `${this.name}: ${what}; the file was damaged on its way, or is not the published one. It is not used; load again, or from another server`,
    );
  }
}
