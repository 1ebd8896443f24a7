/**
 * One interface for a URL, a Blob and bytes in memory: a name, a length, and reads of half-open ranges. The sources over
 * memory and Blobs are here; the one over HTTP is url-source.ts.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { checkInteger } from "../shared/assert.ts";

/** A file's contents, as a caller may pass them. */
export type FileBytes = Blob | ArrayBuffer | Uint8Array;

export interface ReadOptions {
  signal?: AbortSignal | undefined;
}

/**
 * A file of known length that can be read in ranges. Ranges are half-open, in bytes from the file's start. Both ways of
 * reading deliver exactly the requested bytes. They throw RangeError for a range outside the file, and FoveaError
 * `aborted` or `download-failed`.
 */
export interface ByteSource {
  /** The file's name, for messages. */
  readonly name: string;
  readonly byteLength: number;
  /**
   * True if a range costs about its own length. False for a server without range support, where a range also costs
   * everything before it: read such a source in one pass.
   */
  readonly seekable: boolean;
  /** The range as one array. It may be a view of the caller's own memory: do not write to it. */
  read(start: number, end: number, options?: ReadOptions): Promise<Uint8Array>;
  /** The range as it arrives, in non-empty chunks. Leaving the loop early ends the transfer. Do not write to them. */
  stream(start: number, end: number, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /**
   * Readers call this after their last read and before they use any bytes. Reads the rest of a file whose hash is
   * published, compares the hash and stores the file. Throws `hash-mismatch`, and what reading throws.
   */
  finish?(options?: ReadOptions): Promise<void>;
}

/** Longest file. A longer one would have too many parts, and no device has room for it. */
export const MAX_FILE_BYTES = 2 ** 40;

/** Bytes of a Blob per read: few enough to hold twice, enough to make round trips negligible. */
const BLOB_CHUNK_BYTES = 2 << 20;

/** Throws RangeError unless [start, end) lies in the source. */
export function checkRange(source: ByteSource, start: number, end: number): void {
  checkInteger(`${source.name}: end of range`, end, 0, source.byteLength);
  checkInteger(`${source.name}: start of range`, start, 0, end);
}

/** A source over bytes in memory. The caller keeps them and must not change them during reads. */
export function memorySource(name: string, bytes: ArrayBuffer | Uint8Array): ByteSource {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  const source: ByteSource = {
    name,
    byteLength: view.byteLength,
    seekable: true,
    async read(start, end, { signal } = {}) {
      checkRange(source, start, end);
      throwIfAborted(signal, `reading of ${name}`);
      return view.subarray(start, end);
    },
    async *stream(start, end, options) {
      const bytes = await source.read(start, end, options);
      if (bytes.byteLength > 0) yield bytes;
    },
  };
  return source;
}

/**
 * A source over a Blob or File. It reads slices, so that it holds at most 2 MiB at a time; `Blob.stream()` would let the
 * browser choose the chunk size.
 */
export function blobSource(name: string, blob: Blob): ByteSource {
  const slice = async (start: number, end: number, signal: AbortSignal | undefined): Promise<Uint8Array> => {
    throwIfAborted(signal, `reading of ${name}`);
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch (cause) {
      // The picked file was moved, changed or locked.
      throw new FoveaError("download-failed", `${name}: bytes ${start} to ${end} cannot be read; pick the file again`, {
        cause,
      });
    }
    throwIfAborted(signal, `reading of ${name}`);
    if (bytes.byteLength !== end - start)
      throw new FoveaError(
        "download-failed",
        `${name}: bytes ${start} to ${end} gave ${bytes.byteLength} bytes; the file has changed, pick it again`,
      );
    return bytes;
  };
  const source: ByteSource = {
    name,
    byteLength: blob.size,
    seekable: true,
    async read(start, end, { signal } = {}) {
      checkRange(source, start, end);
      return slice(start, end, signal);
    },
    async *stream(start, end, { signal } = {}) {
      checkRange(source, start, end);
      for (let at = start; at < end; at += BLOB_CHUNK_BYTES)
        yield slice(at, Math.min(end, at + BLOB_CHUNK_BYTES), signal);
    },
  };
  return source;
}

/** Fills one array from a stream that delivers exactly `byteLength` bytes. */
export async function collect(stream: AsyncIterable<Uint8Array>, byteLength: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength);
  let filled = 0;
  for await (const chunk of stream) {
    bytes.set(chunk, filled);
    filled += chunk.byteLength;
  }
  return bytes;
}
