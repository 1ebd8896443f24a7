/** A running answer in OpenAI's shapes: as one completion, or chunk by chunk. */
import type { Generation, GenerationEvent, GenerationStats } from "../api.ts";
import { ABORTED, aborted, toApiError } from "./api-error.ts";
import type { ChatCompletion, ChatCompletionChunk, CompletionUsage, FinishReason } from "./types.ts";

/** The fields that all chunks of an answer share. */
export interface Envelope {
  id: string;
  created: number;
  model: string;
}

type Delta = ChatCompletionChunk["choices"][number]["delta"];

/** Events that come only after pictures and prompt were read. */
const BEGUN: readonly GenerationEvent["type"][] = ["prefill", "text", "done"];

/** The whole answer. Throws ApiError, one of status 499 if it was aborted. */
export async function complete(generation: Generation, envelope: Envelope): Promise<ChatCompletion> {
  let content = "";
  try {
    for await (const event of generation) {
      if (event.type === "text") content += event.text;
      if (event.type === "done") return completionOf(content, finishReason(event), event.stats, envelope);
    }
  } catch (error) {
    throw toApiError(error);
  }
  throw toApiError(new Error("the answer ended without its done event"));
}

function completionOf(
  content: string,
  reason: FinishReason,
  stats: GenerationStats,
  { id, created, model }: Envelope,
): ChatCompletion {
  const message = { role: "assistant", content, refusal: null } as const;
  const choices = [{ index: 0, message, logprobs: null, finish_reason: reason } as const];
  const usage = usageOf(stats);
  return { id, object: "chat.completion", created, model, choices: [...choices], usage, fovea: stats };
}

function finishReason({ reason }: Extract<GenerationEvent, { type: "done" }>): FinishReason {
  if (reason === "abort") throw aborted();
  return reason;
}

function usageOf({ promptTokens, newTokens }: GenerationStats): CompletionUsage {
  return { prompt_tokens: promptTokens, completion_tokens: newTokens, total_tokens: promptTokens + newTokens };
}

/**
 * An answer in chunks: the role, the text as it comes, the finish reason, and the usage if requested. It can be read once.
 * Leaving the loop early or `controller.abort()` ends the work; the chunks then end without a finish reason and without an
 * error, as in OpenAI's client. Reading throws ApiError for all other failures.
 */
export class ChatCompletionStream implements AsyncIterable<ChatCompletionChunk> {
  readonly controller: AbortController;
  readonly id: string;
  readonly #chunks: AsyncGenerator<ChatCompletionChunk, void, undefined>;
  #isRead = false;

  private constructor(
    chunks: AsyncGenerator<ChatCompletionChunk, void, undefined>,
    { id }: Envelope,
    controller: AbortController,
  ) {
    this.#chunks = chunks;
    this.id = id;
    this.controller = controller;
  }

  /**
   * Waits until pictures and prompt were read. Most failures happen before that, and then fail the request instead of its
   * stream.
   *
   * @param controller whose signal the generation follows
   */
  static async open(
    generation: Generation,
    envelope: Envelope,
    includeUsage: boolean,
    controller: AbortController,
  ): Promise<ChatCompletionStream> {
    const events = generation[Symbol.asyncIterator]();
    try {
      let first = await events.next();
      while (!first.done && !BEGUN.includes(first.value.type)) first = await events.next();
      if (!first.done && first.value.type === "done") finishReason(first.value);
      const chunks = chunksOf(first, events, { envelope, includeUsage, controller });
      return new ChatCompletionStream(chunks, envelope, controller);
    } catch (error) {
      throw toApiError(error);
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<ChatCompletionChunk, void, undefined> {
    if (this.#isRead) throw new TypeError("this stream was already read; store the chunks to use them again");
    this.#isRead = true;
    return this.#chunks;
  }
}

async function* chunksOf(
  first: IteratorResult<GenerationEvent>,
  events: AsyncIterator<GenerationEvent>,
  { envelope, includeUsage, controller }: { envelope: Envelope; includeUsage: boolean; controller: AbortController },
): AsyncGenerator<ChatCompletionChunk, void, undefined> {
  const { id, created, model } = envelope;
  const head = { id, object: "chat.completion.chunk", created, model } as const;
  const chunk = (delta: Delta, reason: FinishReason | null = null): ChatCompletionChunk => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
    ...(includeUsage ? { usage: null } : {}),
  });
  let ended = false;
  try {
    yield chunk({ role: "assistant", content: "" });
    for (let next = first; !next.done; next = await events.next()) {
      const event = next.value;
      if (event.type === "text" && event.text !== "") yield chunk({ content: event.text });
      if (event.type !== "done") continue;
      ended = true;
      if (event.reason === "abort") return;
      yield { ...chunk({}, event.reason), fovea: event.stats };
      if (includeUsage) yield { ...head, choices: [], usage: usageOf(event.stats) };
      return;
    }
    throw new Error("the answer ended without its done event");
  } catch (error) {
    ended = true;
    const failure = toApiError(error);
    if (failure.status !== ABORTED) throw failure;
  } finally {
    if (!ended) controller.abort();
  }
}
