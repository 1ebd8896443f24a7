/**
 * One HTTP request to a server: its timeouts, its refusals as errors, and the body in bounded chunks. exchange.ts
 * retries. The fetch keeps no cookies, no cache and no referrer, and follows no redirect: the key and the pictures go
 * to the named server only.
 */
import { FoveaError, orAborted, throwIfAborted } from "../errors.ts";
import { addressText, TRANSIENT_STATUSES } from "../shared/http.ts";
import type { CheckedOptions } from "./options.ts";
import { messageIn, ServerError, saysContextFull, serverWords } from "./server-error.ts";

/** Error bodies and lists of models. */
const MAX_BODY_BYTES = 1 << 20;
/** An error's body that does not come is not waited for. */
const ERROR_BODY_MS = 5000;

/** A failure that another attempt may cure. Never leaves this room. */
export class TransientFailure extends Error {
  readonly error: ServerError;

  constructor(error: ServerError) {
    super(error.message);
    this.error = error;
  }
}

export interface ServerRequest {
  url: URL;
  /** JSON; undefined for a GET. */
  body?: string;
  accept: string;
}

/** An answer with status 200. Its opener must close it. */
export class ServerAnswer {
  readonly #options: CheckedOptions;
  readonly #url: URL;
  readonly #signal: AbortSignal;
  readonly #transfer = new AbortController();
  readonly #forward = () => this.#transfer.abort();
  #stalled = false;
  #response!: Response;

  private constructor(url: URL, options: CheckedOptions, signal: AbortSignal) {
    this.#url = url;
    this.#options = options;
    this.#signal = signal;
  }

  /** Sends a request. Throws ServerError, TransientFailure, or FoveaError `aborted`. */
  static async open(request: ServerRequest, options: CheckedOptions, signal: AbortSignal): Promise<ServerAnswer> {
    throwIfAborted(signal, "the request to the server");
    const answer = new ServerAnswer(request.url, options, signal);
    signal.addEventListener("abort", answer.#forward);
    try {
      await answer.#send(request);
      return answer;
    } catch (error) {
      answer.close();
      throw error;
    }
  }

  async #send({ url, body, accept }: ServerRequest): Promise<void> {
    const headers = { Accept: accept, ...(body !== undefined && { "Content-Type": "application/json" }) };
    const sent = fetch(url, {
      method: body === undefined ? "GET" : "POST",
      headers: { ...headers, ...this.#options.headers },
      ...(body !== undefined && { body }),
      signal: this.#transfer.signal,
      redirect: "manual",
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    const { connectMs } = this.#options.timeouts;
    this.#response = await this.#arrival(sent, connectMs, "no answer came");
    const { status, type } = this.#response;
    if (type === "opaqueredirect" || (status >= 300 && status < 400)) throw this.#redirected();
    if (!this.#response.ok) throw await this.#refusal(body?.length ?? 0);
  }

  /** The media type, in lower case and without parameters. */
  get mediaType(): string {
    return (this.#response.headers.get("Content-Type") ?? "").replace(/;.*/s, "").trim().toLowerCase();
  }

  /** The body in non-empty chunks. Throws ServerError for a broken or silent connection, FoveaError `aborted`. */
  async *chunks(limitMs?: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const reader = this.#response.body?.getReader();
    let isFirst = true;
    while (reader) {
      const { firstByteMs, betweenBytesMs } = this.#options.timeouts;
      const waitMs = limitMs ?? (isFirst ? firstByteMs : betweenBytesMs);
      const { done, value } = await this.#arrival(
        reader.read(),
        waitMs,
        isFirst ? "no text came" : "the answer stopped",
      );
      if (done) return;
      isFirst = false;
      if (value.byteLength > 0) yield value;
    }
  }

  /** The whole body as text. Throws ServerError for more than a megabyte. */
  async text(limitMs?: number): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    let byteLength = 0;
    for await (const chunk of this.chunks(limitMs)) {
      byteLength += chunk.byteLength;
      if (byteLength > MAX_BODY_BYTES) throw new ServerError(`${this.address} sent more than ${MAX_BODY_BYTES} bytes`);
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  }

  /** For messages. */
  get address(): string {
    return addressText(this.#url);
  }

  /** Ends the transfer if it is still running. Safe to call twice. */
  close(): void {
    this.#signal.removeEventListener("abort", this.#forward);
    this.#transfer.abort();
  }

  /** Waits for the network, with a timeout. */
  async #arrival<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
    const timer = setTimeout(() => {
      this.#stalled = true;
      this.#transfer.abort();
    }, limitMs);
    try {
      // A service worker's answer may ignore the signal of its request.
      return await orAborted(promise, this.#transfer.signal, "the request to the server");
    } catch (cause) {
      throwIfAborted(this.#signal, "the request to the server");
      if (this.#stalled)
        throw new ServerError(`${this.address}: ${what} for ${limitMs / 1000} s; check the server, or ask again`);
      if (cause instanceof FoveaError) throw cause;
      throw new TransientFailure(new ServerError(`${this.address} ${unreachable(this.#url, this.#words(cause))}`));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Servers' words and browsers' reasons, without secrets. The cause itself is dropped: it may quote a header. */
  #words(cause: unknown): string {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    return serverWords(inner instanceof Error ? inner.message : String(inner), this.#options.secrets);
  }

  #redirected(): ServerError {
    const location = this.#response.headers.get("Location") ?? "";
    const target = URL.canParse(location, this.#url) ? addressText(new URL(location, this.#url)) : "another address";
    return new ServerError(
      `${this.address} redirects to ${serverWords(target, this.#options.secrets)}; nothing was sent there. Use that address as baseURL if you trust it`,
      { status: this.#response.status || undefined },
    );
  }

  async #refusal(sentCharacters: number): Promise<ServerError | TransientFailure> {
    const { status } = this.#response;
    const body = await this.text(ERROR_BODY_MS).catch(() => "");
    throwIfAborted(this.#signal, "the request to the server");
    const said = serverWords(messageIn(body), this.#options.secrets);
    const retryAfterMs = readRetryAfter(this.#response.headers.get("Retry-After"));
    const hasKey = this.#options.secrets.length > 0;
    const isFull = (status === 400 || status === 413 || status === 422) && saysContextFull(`${said} ${codeIn(body)}`);
    const next = isFull
      ? "shorten the conversation, or use smaller pictures"
      : nextStep(status, hasKey, sentCharacters, retryAfterMs);
    const message = `${this.address} answered HTTP ${status}${said ? `: "${said}"` : ""}; ${next}`;
    const error = new ServerError(message, { status, retryAfterMs, code: isFull ? "context-full" : undefined });
    return TRANSIENT_STATUSES.includes(status) ? new TransientFailure(error) : error;
  }
}

/** OpenAI's code of an error, where the message is in other words. */
function codeIn(body: string): string {
  return /"(?:code|type)"\s*:\s*"(\w{1,60})"/.exec(body)?.[1] ?? "";
}

function nextStep(status: number, hasKey: boolean, characters: number, retryAfterMs: number | undefined): string {
  switch (status) {
    case 401:
      return hasKey ? "check the key (apiKey)" : "pass the server's key as apiKey";
    case 403:
      return "the key may not use this model; check it with the server's owner";
    case 404:
      return 'check baseURL, which usually ends in "/v1", and the model\'s name';
    case 413:
      return `the request has ${(characters / 1e6).toFixed(1)} MB; lower maxPixels, or send fewer pictures`;
    case 429:
      return retryAfterMs === undefined ? "ask again later" : `ask again in ${Math.ceil(retryAfterMs / 1000)} s`;
    default:
      return status < 500 ? "change the request, or leave out what the server does not know" : "ask again later";
  }
}

/** Why no answer came. A browser tells no reason. */
function unreachable(url: URL, reason: string): string {
  const isPage = globalThis.location !== undefined;
  const isMixed = isPage && location.protocol === "https:" && url.protocol === "http:";
  const isLocal = /^(localhost|127\.|\[::1\])/.test(url.hostname);
  if (isMixed && !isLocal)
    return `cannot be reached (${reason}): a page under https may not ask a server under http; give the server a certificate`;
  return isPage
    ? `cannot be reached (${reason}): no connection, or the server does not allow pages of ${location.origin} (CORS), or failed without saying so`
    : `cannot be reached (${reason}); check the address, and whether the server runs`;
}

/** `Retry-After`, in seconds or as a date, in milliseconds from now; undefined for anything else. */
export function readRetryAfter(text: string | null, now = Date.now()): number | undefined {
  if (text === null) return undefined;
  if (/^\s*\d{1,9}(\.\d{1,6})?\s*$/.test(text)) return Number(text) * 1000;
  // A date of HTTP begins with a day's name; `Date.parse` takes much else.
  const date = /^\s*[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
