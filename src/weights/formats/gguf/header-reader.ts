/**
 * Reads a GGUF header value by value out of a byte source. It fetches ranges as they are needed: the first 64 KiB, then
 * twice as much each time. A header of any length takes a few requests, and no byte is fetched twice.
 */
import { FoveaError } from "../../../errors.ts";
import type { ByteSource, ReadOptions } from "../../byte-source.ts";

const FIRST_BYTES = 64 << 10;
/** Longest header. A vocabulary of 262,000 tokens takes 10 MB. */
const MAX_HEADER_BYTES = 128 << 20;
/** Longest key or tensor name; the format allows 65,535 for keys, and ggml 63 for tensors. */
const MAX_NAME_BYTES = 4096;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes UTF-8; undefined for bytes that are not UTF-8. */
export function decodeName(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

export class HeaderReader {
  readonly #source: ByteSource;
  readonly #options: ReadOptions | undefined;
  #bytes = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));
  #filled = 0;
  #at = 0;

  constructor(source: ByteSource, options?: ReadOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Name of the file, for messages. */
  get file(): string {
    return this.#source.name;
  }

  /** Offset of the next byte, from the file's start. */
  get at(): number {
    return this.#at;
  }

  /** Bytes of the file after `at`. */
  get left(): number {
    return this.#source.byteLength - this.#at;
  }

  /** All bytes that were read so far, from the file's start. A later read may replace this array. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#filled);
  }

  /** True if the next `byteLength` bytes are there; otherwise call `need`. */
  has(byteLength: number): boolean {
    return this.#filled - this.#at >= byteLength;
  }

  /** Fetches until the next `byteLength` bytes are there. `what` names them for the message. */
  async need(byteLength: number, what: string): Promise<void> {
    if (this.has(byteLength)) return;
    const end = this.#at + byteLength;
    const { byteLength: fileBytes } = this.#source;
    if (end > fileBytes)
      throw this.bad(`the file ends inside its metadata, in ${what}: ${end - fileBytes} bytes are missing`);
    if (end > MAX_HEADER_BYTES) throw this.bad(`the metadata is longer than ${MAX_HEADER_BYTES} bytes, at ${what}`);
    const wanted = Math.max(FIRST_BYTES, 2 * this.#filled, end);
    const to = Math.min(fileBytes, MAX_HEADER_BYTES, wanted);
    const fetched = await this.#source.read(this.#filled, to, this.#options);
    const bytes = new Uint8Array(to);
    bytes.set(this.#bytes);
    bytes.set(fetched, this.#filled);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#filled = to;
  }

  /** Numbers at `at`, which must be there. */
  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }
  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }
  i16(): number {
    return this.#view.getInt16(this.#advance(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }
  f32(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  /** A 64-bit integer; one beyond 2^53 is not exact, and above every limit here. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }
  i64(): number {
    return Number(this.#view.getBigInt64(this.#advance(8), true));
  }

  skip(byteLength: number): void {
    this.#advance(byteLength);
  }

  /** A name: its length as u64, then UTF-8. */
  async name(what: string): Promise<string> {
    await this.need(8, what);
    const length = this.u64();
    if (length > this.left) throw this.bad(`${what} has ${length} bytes, the rest of the file ${this.left}`);
    if (length > MAX_NAME_BYTES) throw this.bad(`${what} has ${length} bytes, the limit is ${MAX_NAME_BYTES}`);
    await this.need(length, what);
    const name = decodeName(this.#bytes.subarray(this.#at, this.#at + length));
    if (name === undefined) throw this.bad(`${what}, at byte ${this.#at}, is not UTF-8`);
    this.#at += length;
    return name;
  }

  bad(message: string): FoveaError {
    return badGguf(this.#source.name, message);
  }

  #advance(byteLength: number): number {
    const at = this.#at;
    this.#at += byteLength;
    return at;
  }
}

/** The error of a damaged GGUF file. */
export function badGguf(file: string, message: string): FoveaError {
  return new FoveaError("bad-weights", `${file}: ${message}; the file is damaged or not a valid GGUF, fetch it again`);
}

/** The error of a GGUF file that is valid but not supported. `message` says what is. */
export function unsupportedGguf(file: string, message: string): FoveaError {
  return new FoveaError("unsupported-model", `${file}: ${message}`);
}
