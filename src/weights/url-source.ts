/**
 * A file at an http(s) address as a byte source. One small request learns its size and the server's range support. Ranges
 * are fetched on demand, broken transfers resume at the byte they reached, and every answer is checked before its bytes
 * are delivered. Servers without range support are read from the start. Only the first bytes are cached.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { addressText, TRANSIENT_STATUSES } from "../shared/http.ts";
import { type ByteSource, blobSource, checkRange, collect, type ReadOptions } from "./byte-source.ts";
import { HttpAnswer, type HttpTarget } from "./http.ts";
import { DEFAULT_RETRY_POLICY, Retries, type RetryPolicy, TransientFailure } from "./retry.ts";

/**
 * Length of the first request, whose bytes are kept: a whole config file, or the header of most weight files. Each then
 * costs one request.
 */
const PREFIX_BYTES = 64 << 10;

/**
 * A file without a length and without range support is held whole in memory. This is the limit: 128 MiB suffice for any
 * tokenizer and for a small model.
 */
const MAX_UNSIZED_BYTES = 128 << 20;

export interface UrlOptions extends ReadOptions, Pick<HttpTarget, "headers" | "httpCache"> {
  /** Default: DEFAULT_RETRY_POLICY. */
  retry?: RetryPolicy | undefined;
  /** The next step if access is refused, for messages. */
  refusalHint?: string | undefined;
}

interface Target extends HttpTarget {
  retry: RetryPolicy;
  refusalHint: string;
}

const REFUSAL_HINT =
  "the model may be private or need its licence accepted; download its files and load them from disk";

/** A file at an address. */
export interface RemoteSource extends ByteSource {
  /** Changes with the file: its strong ETag, its date, or its weak ETag; undefined if the server sends none. */
  readonly validator: string | undefined;
}

/**
 * Opens the file at an address; undefined if it does not exist.
 *
 * A missing file is HTTP 404 or 410, or an HTML page: development servers and hosts of single-page apps send one for
 * unknown addresses.
 *
 * @param name the file's name, for messages
 * @throws FoveaError `download-failed` for any other answer; `aborted`.
 */
export async function openUrl(url: URL, name: string, options: UrlOptions = {}): Promise<RemoteSource | undefined> {
  const { signal, retry = DEFAULT_RETRY_POLICY, refusalHint = REFUSAL_HINT, headers, httpCache } = options;
  const target: Target = { url, name, retry, refusalHint, stallMs: retry.stallMs, headers, httpCache };
  const retries = new Retries(retry, signal);
  for (;;) {
    try {
      return await probe(target, signal);
    } catch (error) {
      await retries.afterFailure(error);
    }
  }
}

/** Requests the file's first bytes, and detects the server's range support. */
async function probe(target: Target, signal: AbortSignal | undefined): Promise<RemoteSource | undefined> {
  const answer = await HttpAnswer.open(target, `bytes=0-${PREFIX_BYTES - 1}`, signal);
  try {
    if (isMissing(answer)) return undefined;
    if (answer.status === 206 && !answer.encoded) return await fromPart(target, answer, signal);
    if (answer.status === 200) return await fromWhole(target, answer);
    // An empty file answers 416; a compressed range cannot be decompressed alone.
    if (answer.status !== 206 && answer.status !== 416) throw statusFailure(target, answer);
  } finally {
    answer.close();
  }
  const whole = await HttpAnswer.open(target, undefined, signal);
  try {
    if (whole.status !== 200) throw statusFailure(target, whole);
    return await fromWhole(target, whole);
  } finally {
    whole.close();
  }
}

function isMissing(answer: HttpAnswer): boolean {
  if (answer.status === 404 || answer.status === 410) return true;
  const isPage = answer.header("Content-Type")?.trim().toLowerCase().startsWith("text/html") ?? false;
  return isPage && (answer.status === 200 || answer.status === 206);
}

/** A source from an answer with the requested range. */
async function fromPart(target: Target, answer: HttpAnswer, signal: AbortSignal | undefined): Promise<RemoteSource> {
  const range = answer.contentRange;
  if (range && (range.start !== 0 || range.end > PREFIX_BYTES))
    throw wrongRange(target, 0, PREFIX_BYTES, range.start, range.end);
  const prefix = await takePrefix(target, answer, range?.end ?? PREFIX_BYTES);
  if (range && prefix.byteLength < range.end) throw endedEarly(target, prefix.byteLength, range.end);
  // Without a visible Content-Range, a body shorter than the request is the whole file.
  const isWhole = !range && prefix.byteLength < PREFIX_BYTES;
  const byteLength = range?.totalBytes ?? (isWhole ? prefix.byteLength : await remainingLength(target, signal));
  return new UrlSource(target, { byteLength, seekable: true, prefix, ...marks(answer) });
}

/**
 * The file's length if Content-Range is hidden, as across origins unless the server exposes it. It requests an open
 * range, because that answer's length is always visible. A HEAD request may count compressed bytes.
 */
async function remainingLength(target: Target, signal: AbortSignal | undefined): Promise<number> {
  const answer = await HttpAnswer.open(target, "bytes=0-", signal);
  try {
    if (answer.status !== 206 && answer.status !== 200) throw statusFailure(target, answer);
    const byteLength = answer.contentLength;
    if (byteLength !== undefined) return byteLength;
    throw new FoveaError(
      "download-failed",
      `${target.name}: ${addressText(target.url)} sends no length; make the server send Content-Length, or expose Content-Range with Access-Control-Expose-Headers`,
    );
  } finally {
    answer.close();
  }
}

/** A source from an answer with the whole file: the server does not support ranges for it. */
async function fromWhole(target: Target, answer: HttpAnswer): Promise<RemoteSource> {
  const byteLength = answer.contentLength;
  if (byteLength === undefined)
    return Object.assign(blobSource(target.name, await downloadUnsized(target, answer)), {
      validator: validator(answer),
    });
  const prefix =
    byteLength > PREFIX_BYTES ? await take(answer, PREFIX_BYTES) : await takePrefix(target, answer, byteLength);
  if (prefix.byteLength < Math.min(byteLength, PREFIX_BYTES)) throw endedEarly(target, prefix.byteLength, byteLength);
  return new UrlSource(target, { byteLength, seekable: false, prefix, ...marks(answer) });
}

/** Downloads a body of unknown length into a Blob, which browsers may keep outside the page's memory. */
async function downloadUnsized(target: Target, answer: HttpAnswer): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let received = 0;
  for await (const chunk of answer.chunks()) {
    received += chunk.byteLength;
    if (received > MAX_UNSIZED_BYTES)
      throw new FoveaError(
        "download-failed",
        `${target.name}: ${addressText(target.url)} sends no length and more than ${MAX_UNSIZED_BYTES} bytes; use a server that supports range requests or sends Content-Length`,
      );
    chunks.push(chunk);
  }
  return new Blob(chunks);
}

/** The first `byteLength` bytes of a body, or all of a shorter one. */
async function take(answer: HttpAnswer, byteLength: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength);
  let filled = 0;
  for await (const chunk of answer.chunks()) {
    const part = chunk.subarray(0, byteLength - filled);
    bytes.set(part, filled);
    filled += part.byteLength;
    if (filled === byteLength) break;
  }
  return bytes.subarray(0, filled);
}

/** A whole body of at most `byteLength` bytes. */
async function takePrefix(target: Target, answer: HttpAnswer, byteLength: number): Promise<Uint8Array> {
  const bytes = await take(answer, byteLength + 1);
  if (bytes.byteLength > byteLength) throw wrongRange(target, 0, byteLength, 0, bytes.byteLength);
  return bytes;
}

/** The ETag, if it identifies the file's exact bytes: not a weak one, not one of a compressed answer. */
function strongEtag(answer: HttpAnswer): string | undefined {
  const etag = answer.header("ETag");
  return etag?.startsWith('"') && !answer.encoded ? etag : undefined;
}

function validator(answer: HttpAnswer): string | undefined {
  return strongEtag(answer) ?? answer.header("Last-Modified") ?? answer.header("ETag");
}

function marks(answer: HttpAnswer): Pick<Learnt, "etag" | "validator"> {
  return { etag: strongEtag(answer), validator: validator(answer) };
}

/** Learnt from the first request. */
interface Learnt {
  byteLength: number;
  seekable: boolean;
  /** The file's first bytes. */
  prefix: Uint8Array;
  etag: string | undefined;
  validator: string | undefined;
}

class UrlSource implements RemoteSource {
  readonly name: string;
  readonly byteLength: number;
  readonly seekable: boolean;
  readonly validator: string | undefined;
  readonly #target: Target;
  readonly #prefix: Uint8Array;
  readonly #etag: string | undefined;

  constructor(target: Target, learnt: Learnt) {
    this.name = target.name;
    this.byteLength = learnt.byteLength;
    this.seekable = learnt.seekable;
    this.validator = learnt.validator;
    this.#target = target;
    this.#prefix = learnt.prefix;
    this.#etag = learnt.etag;
  }

  async read(start: number, end: number, options?: ReadOptions): Promise<Uint8Array> {
    checkRange(this, start, end);
    return collect(this.stream(start, end, options), end - start);
  }

  async *stream(start: number, end: number, { signal }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    checkRange(this, start, end);
    throwIfAborted(signal, `reading of ${this.name}`);
    const fromPrefix = this.#prefix.subarray(start, end);
    if (fromPrefix.byteLength > 0) yield fromPrefix;
    const retries = new Retries(this.#target.retry, signal);
    let at = start + fromPrefix.byteLength;
    while (at < end) {
      try {
        for await (const chunk of this.#fetch(at, end, signal)) {
          at += chunk.byteLength;
          retries.progressed(chunk.byteLength);
          yield chunk;
        }
      } catch (error) {
        await retries.afterFailure(error);
      }
    }
  }

  /** One request for a range. Delivers exactly its bytes, or throws, possibly after some of them. */
  async *#fetch(start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const answer = await HttpAnswer.open(this.#target, `bytes=${start}-${end - 1}`, signal);
    try {
      let at = this.#bodyStart(answer, start, end);
      for await (const chunk of answer.chunks()) {
        const wanted = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
        at += chunk.byteLength;
        if (wanted.byteLength > 0) yield wanted;
        // A whole body continues after the range; any other body must end here.
        if (at >= end && answer.status === 200 && end < this.byteLength) return;
        if (at > end) throw wrongRange(this.#target, start, end, start, at);
      }
      if (at < end) throw endedEarly(this.#target, at, end);
    } finally {
      answer.close();
    }
  }

  /** The offset of the answer's body in the file. Checks that the answer is of the same file. */
  #bodyStart(answer: HttpAnswer, start: number, end: number): number {
    const { status } = answer;
    if (status !== 200 && (status !== 206 || answer.encoded)) throw statusFailure(this.#target, answer);
    const range = status === 206 ? answer.contentRange : undefined;
    if (range && (range.start !== start || range.end > end))
      throw wrongRange(this.#target, start, end, range.start, range.end);
    const totalBytes = status === 200 ? answer.contentLength : range?.totalBytes;
    const etag = strongEtag(answer);
    const isOther = etag !== undefined && this.#etag !== undefined && etag !== this.#etag;
    if (isOther || (totalBytes !== undefined && totalBytes !== this.byteLength))
      throw new FoveaError(
        "download-failed",
        `${this.name}: the file at ${addressText(this.#target.url)} changed during the download (${this.byteLength} bytes before, ${totalBytes ?? "unknown"} now); load again`,
      );
    return status === 200 ? 0 : start;
  }
}

function statusFailure(target: Target, answer: HttpAnswer): Error {
  const { status } = answer;
  const where = `${target.name}: ${addressText(target.url)}`;
  if (TRANSIENT_STATUSES.includes(status)) return answer.transientFailure(where);
  const message = `${where} answered HTTP ${status}`;
  if (status === 401 || status === 403)
    return new FoveaError("download-failed", `${message}: access is refused; ${target.refusalHint}`);
  if (answer.encoded)
    return new FoveaError(
      "download-failed",
      `${message} with a compressed range (${answer.header("Content-Encoding")}); turn off compression for this file`,
    );
  return new FoveaError("download-failed", `${message}; check the address`);
}

function wrongRange(target: Target, start: number, end: number, gotStart: number, gotEnd: number): FoveaError {
  return new FoveaError(
    "download-failed",
    `${target.name}: asked for bytes ${start} to ${end}, ${addressText(target.url)} sent ${gotStart} to ${gotEnd}; use a server with working range requests`,
  );
}

function endedEarly(target: Target, at: number, end: number): TransientFailure {
  return new TransientFailure(
    `${target.name}: the answer from ${addressText(target.url)} ended at byte ${at} of ${end}`,
  );
}
