/** Running answers in OpenAI's shapes: as one completion. completion-stream.ts gives them chunk by chunk. */
import type { AnswerToken, Generation, GenerationEvent, GenerationStats } from "../api.ts";
import { aborted, toApiError } from "./api-error.ts";
import { logprobsOf } from "./logprobs.ts";
import type { ChatCompletion, CompletionUsage, FinishReason } from "./types.ts";

/** The fields that all chunks of a completion share. */
export interface Envelope {
  id: string;
  created: number;
  model: string;
}

type Choice = ChatCompletion["choices"][number];

/**
 * All answers of one request. Throws ApiError, one of status 499 if they were aborted.
 *
 * @param withLogprobs the request asks for log-probabilities
 */
export async function complete(
  generations: readonly Generation[],
  { id, created, model }: Envelope,
  withLogprobs: boolean,
): Promise<ChatCompletion> {
  const answers = [];
  for (const [index, generation] of generations.entries())
    answers.push(await readChoice(generation, index, withLogprobs));
  const choices = answers.map(({ choice }) => choice);
  const all = answers.map(({ stats }) => stats);
  return { id, object: "chat.completion", created, model, choices, usage: usageOf(all), fovea: all[0]! };
}

async function readChoice(
  generation: Generation,
  index: number,
  withLogprobs: boolean,
): Promise<{ choice: Choice; stats: GenerationStats }> {
  let content = "";
  const tokens: AnswerToken[] = [];
  try {
    for await (const event of generation) {
      if (event.type === "text") content += event.text;
      if (event.type === "logprobs") tokens.push(...event.tokens);
      if (event.type !== "done") continue;
      const calls = event.toolCalls ?? [];
      const message = {
        role: "assistant",
        content: content === "" && calls.length > 0 ? null : content,
        refusal: null,
        ...(calls.length > 0 && { tool_calls: calls }),
      } as const;
      const logprobs = withLogprobs ? logprobsOf(tokens) : null;
      return { choice: { index, message, logprobs, finish_reason: finishReason(event) }, stats: event.stats };
    }
  } catch (error) {
    throw toApiError(error);
  }
  throw toApiError(new Error("the answer ended without its done event"));
}

export function finishReason({ reason, toolCalls }: Extract<GenerationEvent, { type: "done" }>): FinishReason {
  if (reason === "abort") throw aborted();
  return reason === "stop" && toolCalls ? "tool_calls" : reason;
}

/** The prompt counts once: all answers share it. */
export function usageOf(stats: readonly GenerationStats[]): CompletionUsage {
  const prompt = stats[0]?.promptTokens ?? 0;
  const tokens = stats.reduce((sum, { newTokens }) => sum + newTokens, 0);
  return { prompt_tokens: prompt, completion_tokens: tokens, total_tokens: prompt + tokens };
}
