/**
 * One HTTP GET: the request, the headers that matter for ranges, and the body chunk by chunk. Every network failure
 * becomes a TransientFailure here. url-source.ts decides which answers are acceptable, and retries.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { addressText } from "../shared/http.ts";
import { MAX_FILE_BYTES } from "./byte-source.ts";
import { TransientFailure } from "./retry.ts";

/** A request, apart from its range. */
export interface HttpTarget {
  url: URL;
  /** The file's name, for messages. */
  name: string;
  /** The request fails if nothing arrives for this long. */
  stallMs: number;
  /** Sent with the request. Browsers drop Authorization on a redirect to another origin. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Use of the browser's HTTP cache; default: as for pages. */
  httpCache?: RequestCache | undefined;
}

/** `Content-Range: bytes start-end/total` as a half-open range; `totalBytes` is undefined where the server sends `*`. */
export interface ContentRange {
  start: number;
  end: number;
  totalBytes: number | undefined;
}

/** The headers of a request to a hub with an access token, or without one. */
export function hubHeaders(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

/** An answer whose body can be read once. Its opener must close it, also after an error. */
export class HttpAnswer {
  readonly #target: HttpTarget;
  readonly #signal: AbortSignal | undefined;
  readonly #controller = new AbortController();
  readonly #forwardAbort = () => this.#controller.abort();
  #stalled = false;
  #response: Response | undefined;

  private constructor(target: HttpTarget, signal: AbortSignal | undefined) {
    this.#target = target;
    this.#signal = signal;
  }

  /**
   * Sends the request and waits for the headers. `range` is the value of the Range header. Browsers send it across
   * origins without a preflight, and ask for an uncompressed body with it.
   */
  static async open(target: HttpTarget, range: string | undefined, signal: AbortSignal | undefined) {
    throwIfAborted(signal, `download of ${target.name}`);
    const answer = new HttpAnswer(target, signal);
    signal?.addEventListener("abort", answer.#forwardAbort);
    try {
      const init: RequestInit = {
        headers: range ? { ...target.headers, Range: range } : { ...target.headers },
        signal: answer.#controller.signal,
      };
      if (target.httpCache) init.cache = target.httpCache;
      answer.#response = await answer.#watched(fetch(target.url, init));
      answer.#checkSinglePart();
      return answer;
    } catch (error) {
      answer.close();
      throw error;
    }
  }

  /** One range was asked for. The parts of several come with headers between them, which are not bytes of the file. */
  #checkSinglePart(): void {
    if (this.status !== 206 || !/^\s*multipart\//i.test(this.header("Content-Type") ?? "")) return;
    throw new FoveaError(
      "download-failed",
      `${this.#target.name}: ${addressText(this.#target.url)} answered a request for one range with several (multipart/byteranges); use a server with working range requests`,
    );
  }

  get status(): number {
    return this.#response!.status;
  }

  header(name: string): string | undefined {
    return this.#response!.headers.get(name) ?? undefined;
  }

  /** True if the body is compressed, so that length headers do not count its bytes. */
  get encoded(): boolean {
    const encoding = this.header("Content-Encoding");
    return encoding !== undefined && encoding !== "" && encoding !== "identity";
  }

  /** Length of the body in the bytes that `chunks` delivers; undefined where the server does not send it. */
  get contentLength(): number | undefined {
    const text = this.header("Content-Length");
    return text === undefined || this.encoded ? undefined : this.#count("Content-Length", text);
  }

  /** Also undefined where the server does not expose the header to pages of other origins. */
  get contentRange(): ContentRange | undefined {
    const text = this.header("Content-Range");
    if (text === undefined) return undefined;
    const match = /^\s*bytes\s+(\d+)-(\d+)\/(\d+|\*)\s*$/i.exec(text);
    if (!match) throw this.#malformed("Content-Range", text);
    const [, first, last, total] = match;
    const start = this.#count("Content-Range", first!);
    const end = this.#count("Content-Range", last!) + 1;
    const totalBytes = total === "*" ? undefined : this.#count("Content-Range", total!);
    if (end <= start || (totalBytes !== undefined && end > totalBytes)) throw this.#malformed("Content-Range", text);
    return { start, end, totalBytes };
  }

  /** The pause that the server asks for before a retry. Hugging Face's hub says it as `RateLimit: "api";r=0;t=55`. */
  get retryAfterMs(): number | undefined {
    const text = this.header("Retry-After") ?? /;\s*t=(\d+)/.exec(this.header("RateLimit") ?? "")?.[1];
    return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
  }

  /** The failure of an answer with a transient status. */
  transientFailure(where: string): TransientFailure {
    const { status, retryAfterMs } = this;
    const failure = `${where} answered HTTP ${status}`;
    if (status !== 429) return new TransientFailure(failure, { retryAfterMs });
    const pause = retryAfterMs ? `${retryAfterMs / 1000} s` : "some minutes";
    const advice = `it limits requests: wait ${pause}, then load again; a hub allows more with an access token`;
    return new TransientFailure(failure, { retryAfterMs, advice });
  }

  /** The body, in non-empty chunks. */
  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const reader = this.#response!.body?.getReader();
    if (!reader) return;
    for (;;) {
      const { done, value } = await this.#watched(reader.read());
      if (done) return;
      if (value.byteLength > 0) yield value;
    }
  }

  /** Ends the transfer if it is still running. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#forwardAbort);
    this.#controller.abort();
  }

  /** Waits for the network, with a timeout, and turns failures into ours. */
  async #watched<T>(arrival: Promise<T>): Promise<T> {
    const { name, url, stallMs } = this.#target;
    const timer = setTimeout(() => {
      this.#stalled = true;
      this.#controller.abort();
    }, stallMs);
    try {
      return await arrival;
    } catch (cause) {
      throwIfAborted(this.#signal, `download of ${name}`);
      const reason = this.#stalled ? `nothing arrived for ${stallMs / 1000} s` : failureText(cause);
      throw new TransientFailure(`${name}: the connection to ${addressText(url)} failed (${reason})`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  #count(header: string, digits: string): number {
    const value = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
    if (!(value <= MAX_FILE_BYTES)) throw this.#malformed(header, digits);
    return value;
  }

  #malformed(header: string, text: string): FoveaError {
    return new FoveaError(
      "download-failed",
      `${this.#target.name}: ${addressText(this.#target.url)} answered HTTP ${this.status} with ${header} ${JSON.stringify(text.slice(0, 80))}, which is not a valid length or range; use another server`,
    );
  }
}

/** The message of a failed fetch. Node hides the reason in the cause; browsers give none. */
function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
