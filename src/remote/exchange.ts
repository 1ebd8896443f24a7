/** Requests to one server, with further attempts before an answer begins, and without optional fields that it refuses. */
import { throwIfAborted } from "../errors.ts";
import { pause } from "../shared/pause.ts";
import { ServerAnswer, type ServerRequest, TransientFailure } from "./http.ts";
import type { CheckedOptions } from "./options.ts";
import { ServerError } from "./server-error.ts";

/** Pause before the second attempt; it doubles. */
const FIRST_PAUSE_MS = 500;
/** Part of a pause that is random, so that many pages do not come back at once. */
const JITTER = 0.25;

type Body = Record<string, unknown>;

/** Adaptations to what a server refuses by name. The first request finds out, later ones know. */
const ADAPTATIONS: readonly { field: string; adapt(body: Body): Body }[] = [
  // Only asks for the number of tokens; many servers tell it anyway.
  { field: "stream_options", adapt: ({ stream_options: _, ...body }) => body },
  // OpenAI's newer models know only the newer name, older servers only the older one.
  { field: "max_tokens", adapt: ({ max_tokens, ...body }) => ({ ...body, max_completion_tokens: max_tokens }) },
];

export class Exchange {
  readonly #options: CheckedOptions;
  readonly #adapted = new Set<string>();

  constructor(options: CheckedOptions) {
    this.#options = options;
  }

  /**
   * Posts JSON to a path below the base address. Throws ServerError or FoveaError `aborted`. The caller closes the
   * answer.
   */
  async post(path: string, given: Body, accept: string, signal: AbortSignal): Promise<ServerAnswer> {
    for (;;) {
      let body = given;
      for (const { field, adapt } of ADAPTATIONS) if (this.#adapted.has(field)) body = adapt(body);
      try {
        return await this.#attempt({ url: this.address(path), body: JSON.stringify(body), accept }, signal);
      } catch (error) {
        const refused = ADAPTATIONS.find(({ field }) => field in body && isRefused(error, field));
        if (!refused) throw error;
        this.#adapted.add(refused.field);
      }
    }
  }

  /** Gets JSON text from an address. Throws as `post`. */
  async get(url: URL, signal: AbortSignal): Promise<string> {
    const answer = await this.#attempt({ url, accept: "application/json" }, signal);
    try {
      return await answer.text();
    } catch (error) {
      throw error instanceof TransientFailure ? error.error : error;
    } finally {
      answer.close();
    }
  }

  /** The address of a path of the interface, with the query of the base address. */
  address(path: string): URL {
    const url = new URL(this.#options.base);
    url.pathname += `/${path}`;
    return url;
  }

  async #attempt(request: ServerRequest, signal: AbortSignal): Promise<ServerAnswer> {
    const { attempts, maxPauseMs } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await ServerAnswer.open(request, this.#options, signal);
      } catch (failure) {
        if (!(failure instanceof TransientFailure)) throw failure;
        const { error } = failure;
        const delayMs = error.retryAfterMs ?? FIRST_PAUSE_MS * 2 ** (attempt - 1);
        if (attempt >= attempts || delayMs > maxPauseMs) throw error;
        await pause(delayMs * (1 + JITTER * Math.random()), signal);
        throwIfAborted(signal, "the wait for the server");
      }
    }
  }
}

/** True if a server refused a request because of a field that it names. */
function isRefused(error: unknown, field: string): boolean {
  if (!(error instanceof ServerError) || (error.status !== 400 && error.status !== 422)) return false;
  return (
    new RegExp(`\\b${field}\\b`).test(error.message) &&
    /support|unexpected|unknown|extra|unrecogni|permitted/i.test(error.message)
  );
}
