/** One streamed answer: events of the server become events of a generation, with the clock of each. */
import type { GenerateRequest, GenerationEvent, GenerationStats, ToolCall } from "../api.ts";
import { FoveaError, throwIfAborted } from "../errors.ts";
import type { AnsweringServer } from "../shared/answering-server.ts";
import { readChunk, type Usage } from "./chunk.ts";
import { type ServerAnswer, TransientFailure } from "./http.ts";
import type { CheckedOptions } from "./options.ts";
import { ServerError, serverWords } from "./server-error.ts";
import { readEvents, type StreamEnd } from "./sse.ts";
import { type CallDelta, CallReader } from "./tools.ts";

/** Events of one answer. A server that sends one a token sends as many for the longest answers. */
const MAX_EVENTS = 1_000_000;
/** Wait for what follows the end of the text: the number of tokens. */
const TAIL_MS = 2000;

/** Why an answer ended, and its calls, where there are any. */
export interface AnswerEnd {
  reason: "stop" | "length";
  toolCalls?: ToolCall[];
}

/** The numbers of an answer while it comes. */
export class AnswerClock {
  readonly #server: AnsweringServer;
  readonly #start = performance.now();
  #first: number | undefined;
  #last = 0;
  #chunks = 0;
  usage: Usage | undefined;

  constructor(server: AnsweringServer) {
    this.#server = server;
  }

  countChunk(): void {
    this.#last = performance.now();
    this.#first ??= this.#last;
    this.#chunks++;
  }

  stats(): GenerationStats {
    const { usage } = this;
    const newTokens = usage?.newTokens || this.#chunks;
    const first = this.#first === undefined ? 0 : this.#first - this.#start;
    const decodeMs = this.#first === undefined ? 0 : this.#last - this.#first;
    return {
      pictures: [],
      imageTokensBefore: 0,
      imageTokensAfter: 0,
      promptTokens: usage?.promptTokens ?? 0,
      reusedTokens: usage?.cachedTokens ?? 0,
      reuse: "any token",
      newTokens,
      compileMs: 0,
      visionMs: 0,
      prefillMs: first,
      decodeMs,
      totalMs: performance.now() - this.#start,
      timeToFirstTokenMs: first,
      tokensPerSecond: decodeMs > 0 ? ((newTokens - 1) * 1000) / decodeMs : 0,
      gpuBytes: 0,
      server: { ...this.#server, countsTokens: usage !== undefined },
    };
  }
}

/** One answer: what was asked for, the stream that comes, and where its events go. */
export interface AnswerWork {
  answer: ServerAnswer;
  request: GenerateRequest;
  options: CheckedOptions;
  clock: AnswerClock;
  emit: (event: GenerationEvent) => void;
  signal: AbortSignal;
}

/**
 * Reads an answer to its end.
 *
 * @throws ServerError with the text so far, for a stream that breaks, stops or is none; FoveaError `aborted`
 */
export async function readAnswer(work: AnswerWork): Promise<AnswerEnd> {
  const reading = new Reading(work);
  try {
    return await reading.run();
  } catch (failure) {
    throwIfAborted(work.signal, "the answer");
    throw reading.withText(failure);
  }
}

class Reading {
  readonly #work: AnswerWork;
  #text = "";
  #hasTokens = false;
  readonly #calls = new CallReader();
  #finish: string | undefined;

  constructor(work: AnswerWork) {
    this.#work = work;
  }

  async run(): Promise<AnswerEnd> {
    const { address, mediaType } = this.#work.answer;
    if (mediaType !== "text/event-stream") throw await this.#notAStream(mediaType);
    const words = (text: string) => serverWords(text, this.#work.options.secrets);
    const events = readEvents(this.#work.answer.chunks(), address, words);
    for (let count = 0; ; count++) {
      const next = await this.#next(events);
      throwIfAborted(this.#work.signal, "the answer");
      if (next.done) break;
      if (count >= MAX_EVENTS) throw new ServerError(`${address} sent more than ${MAX_EVENTS} events for one answer`);
      this.#take(next.value);
    }
    if (this.#finish === undefined) throw new ServerError(`${address}: the answer broke off before its end; ask again`);
    const reason = this.#reason(this.#finish);
    const { calls, events: rest } = this.#calls.end();
    for (const event of rest) this.#work.emit(event);
    return { reason, ...(calls.length > 0 && { toolCalls: calls }) };
  }

  /** The next event, or an end: after the end of the text, nothing more needs to come. */
  async #next(events: AsyncGenerator<unknown, StreamEnd, undefined>): Promise<IteratorResult<unknown, unknown>> {
    const { firstByteMs, betweenEventsMs } = this.#work.options.timeouts;
    const isOver = this.#finish !== undefined;
    const limitMs = isOver ? TAIL_MS : Math.max(betweenEventsMs, this.#text === "" ? firstByteMs : 0);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<IteratorResult<unknown, unknown>>((resolve, reject) => {
      timer = setTimeout(() => {
        const message = `${this.#work.answer.address}: no text came for ${limitMs / 1000} s, though the connection is open; check the server, or ask again`;
        if (isOver) resolve({ done: true, value: undefined });
        else reject(new ServerError(message));
      }, limitMs);
    });
    const next = events.next();
    try {
      return await Promise.race([next, silence]);
    } catch (error) {
      // The text is complete; only the number of tokens is missing.
      if (isOver && !this.#work.signal.aborted) return { done: true, value: undefined };
      throw error;
    } finally {
      clearTimeout(timer);
      next.catch(() => {});
    }
  }

  #take(value: unknown): void {
    const { text, tokens, calls, finish, usage, error } = readChunk(value);
    if (usage) this.#work.clock.usage = usage;
    if (tokens.length > 0 && this.#work.request.topLogprobs !== undefined) {
      this.#hasTokens = true;
      this.#work.emit({ type: "logprobs", tokens });
    }
    if (text !== "") {
      this.#work.clock.countChunk();
      this.#text += text;
      this.#work.emit({ type: "text", text });
    }
    // A server that was given no tools has none to call.
    if (this.#work.request.tools !== undefined)
      for (const call of calls) {
        this.#work.clock.countChunk();
        for (const event of this.#takeCall(call)) this.#work.emit(event);
      }
    if (error !== undefined) {
      const said = serverWords(error, this.#work.options.secrets);
      throw new ServerError(`${this.#work.answer.address} failed during the answer: "${said}"; ask again`);
    }
    this.#finish ??= finish;
  }

  #takeCall(call: CallDelta): GenerationEvent[] {
    try {
      return this.#calls.take(call);
    } catch (cause) {
      throw new ServerError(`${this.#work.answer.address} sent ${(cause as Error).message}; ask again`);
    }
  }

  /** Checks what the server may have passed over silently. */
  #reason(finish: string): "stop" | "length" {
    const { address } = this.#work.answer;
    if (finish === "length") return "length";
    if (finish === "content_filter")
      throw new ServerError(`${address} withheld the rest of the answer (content_filter); ask in another way`);
    if (/^(error|abort|cancel)/.test(finish))
      throw new ServerError(`${address} gave up on the answer (${serverWords(finish, [])}); ask again`);
    const { format, topLogprobs } = this.#work.request;
    if (format && finish !== "tool_calls" && !hasForm(this.#text, format))
      throw new ServerError(
        `${address} did not answer in the form "${format.type}"; it seems to ignore it. Use a server that has it`,
      );
    if (topLogprobs !== undefined && this.#text !== "" && !this.#hasTokens)
      throw new ServerError(`${address} sent no log-probabilities; leave topLogprobs out, or use another server`);
    return "stop";
  }

  async #notAStream(mediaType: string): Promise<ServerError> {
    const { address } = this.#work.answer;
    const body = await this.#work.answer.text(TAIL_MS).catch(() => "");
    const said = serverWords(body.replace(/<[^>]{0,1000}>/g, " "), this.#work.options.secrets).slice(0, 120);
    return new ServerError(
      `${address} answered with ${mediaType || "no content type"}, not text/event-stream${said ? ` ("${said}")` : ""}; check baseURL, which usually ends in "/v1"`,
    );
  }

  /** A failure with the text so far. */
  withText(failure: unknown): unknown {
    const error = failure instanceof TransientFailure ? failure.error : failure;
    if (!(error instanceof ServerError)) return error instanceof FoveaError ? error : failure;
    const { code, status, retryAfterMs, message } = error;
    const far = this.#text === "" ? "" : `; ${this.#text.length} characters of the answer came before`;
    return new ServerError(message + far, { code, status, retryAfterMs, partialText: this.#text });
  }
}

/** True if a finished answer has its form, as far as that is cheap to tell. */
function hasForm(text: string, format: NonNullable<GenerateRequest["format"]>): boolean {
  if (format.type === "choice") return format.options.includes(text);
  if (format.type !== "json" && format.type !== "json-schema") return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
