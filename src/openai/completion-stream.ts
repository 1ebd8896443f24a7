/** Running answers in OpenAI's shapes, chunk by chunk. */
import type { AnswerToken, Generation, GenerationEvent, GenerationStats } from "../api.ts";
import { ABORTED, toApiError } from "./api-error.ts";
import { type Envelope, finishReason, usageOf } from "./completion.ts";
import { logprobsOf } from "./logprobs.ts";
import type { ChatCompletionChunk, FinishReason } from "./types.ts";

type Delta = ChatCompletionChunk["choices"][number]["delta"];
type Events = AsyncIterator<GenerationEvent>;

/** Events that come only after pictures and prompt were read. */
const BEGUN: readonly GenerationEvent["type"][] = ["prefill", "text", "logprobs", "tool-call", "done"];

interface StreamSettings {
  envelope: Envelope;
  includeUsage: boolean;
  /** The generations follow its signal. */
  controller: AbortController;
}

/**
 * Answers in chunks: the role, the text as it comes, the finish reason, of one answer after another, and the usage if
 * requested. It can be read once. Leaving the loop early or `controller.abort()` ends the work; the chunks then end
 * without a finish reason and without an error, as in OpenAI's client. Reading throws ApiError for all other failures.
 */
export class ChatCompletionStream implements AsyncIterable<ChatCompletionChunk> {
  readonly controller: AbortController;
  readonly id: string;
  readonly #chunks: AsyncGenerator<ChatCompletionChunk, void, undefined>;
  #isRead = false;

  private constructor(chunks: AsyncGenerator<ChatCompletionChunk, void, undefined>, settings: StreamSettings) {
    this.#chunks = chunks;
    this.id = settings.envelope.id;
    this.controller = settings.controller;
  }

  /**
   * Waits until pictures and prompt were read. Most failures happen before that, and then fail the request instead of its
   * stream.
   */
  static async open(generations: readonly Generation[], settings: StreamSettings): Promise<ChatCompletionStream> {
    const all = generations.map((generation) => generation[Symbol.asyncIterator]());
    try {
      let first = await all[0]!.next();
      while (!first.done && !BEGUN.includes(first.value.type)) first = await all[0]!.next();
      if (!first.done && first.value.type === "done") finishReason(first.value);
      return new ChatCompletionStream(chunksOf(first, all, settings), settings);
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
  all: readonly Events[],
  { envelope, includeUsage, controller }: StreamSettings,
): AsyncGenerator<ChatCompletionChunk, void, undefined> {
  const { id, created, model } = envelope;
  const head = { id, object: "chat.completion.chunk", created, model } as const;
  const usage = includeUsage ? { usage: null } : {};
  const stats: GenerationStats[] = [];
  let ended = false;
  try {
    for (const [index, events] of all.entries()) {
      const begin = index === 0 ? first : await events.next();
      for await (const choice of choicesOf(index, begin, events)) {
        // An aborted answer ends without a reason.
        if (choice === undefined) {
          ended = true;
          return;
        }
        const { done, ...shown } = choice;
        if (done) stats.push(done);
        yield { ...head, choices: [shown], ...usage, ...(done && { fovea: done }) };
      }
    }
    ended = true;
    if (includeUsage) yield { ...head, choices: [], usage: usageOf(stats) };
  } catch (error) {
    ended = true;
    const failure = toApiError(error);
    if (failure.status !== ABORTED) throw failure;
  } finally {
    if (!ended) controller.abort();
  }
}

type ChunkChoice = ChatCompletionChunk["choices"][number] & { done?: GenerationStats };

/** The chunks of one answer; undefined after an abort. */
async function* choicesOf(
  index: number,
  first: IteratorResult<GenerationEvent>,
  events: Events,
): AsyncGenerator<ChunkChoice | undefined, void, undefined> {
  // Tokens of the text that comes next.
  let tokens: AnswerToken[] = [];
  const choice = (delta: Delta, reason: FinishReason | null = null): ChunkChoice => {
    const logprobs = tokens.length > 0 ? logprobsOf(tokens) : null;
    tokens = [];
    return { index, delta, logprobs, finish_reason: reason };
  };
  // The first chunk says whether the answer begins with text.
  let role: Delta = { role: "assistant", content: "" };
  const calls = new Set<number>();
  for (let next = first; !next.done; next = await events.next()) {
    const event = next.value;
    if (event.type === "logprobs") tokens.push(...event.tokens);
    const isCall = event.type === "tool-call";
    if (!isCall && event.type !== "done" && (event.type !== "text" || event.text === "")) continue;
    if ("role" in role)
      yield { index, delta: isCall ? { ...role, content: null } : role, logprobs: null, finish_reason: null };
    role = {};
    if (event.type === "text") yield choice({ content: event.text });
    if (event.type === "tool-call") for (const delta of callDeltas(event, calls)) yield choice(delta);
    if (event.type !== "done") continue;
    yield event.reason === "abort" ? undefined : { ...choice({}, finishReason(event)), done: event.stats };
    return;
  }
  throw new Error("the answer ended without its done event");
}

/** As OpenAI sends them: id and name first, without arguments. @param begun indices of calls that were told before */
function callDeltas(event: Extract<GenerationEvent, { type: "tool-call" }>, begun: Set<number>): Delta[] {
  const { index, id, name, arguments: added } = event;
  const first: Delta = { tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] };
  const more: Delta[] = added === "" ? [] : [{ tool_calls: [{ index, function: { arguments: added } }] }];
  if (begun.has(index)) return more;
  begun.add(index);
  return [first, ...more];
}
