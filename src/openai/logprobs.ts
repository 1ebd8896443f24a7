/** Log-probabilities in OpenAI's shape. */
import type { AnswerToken, TokenProbability } from "../api.ts";
import type { ChatLogprobs, TokenLogprob, TopLogprob } from "./types.ts";

export function logprobsOf(tokens: readonly AnswerToken[]): ChatLogprobs {
  const content = tokens.map(
    (token): TokenLogprob => ({ ...logprobOf(token), top_logprobs: token.top.map(logprobOf) }),
  );
  return { content, refusal: null };
}

function logprobOf({ text, bytes, logprob }: TokenProbability): TopLogprob {
  return { token: text, logprob, bytes: Array.from(bytes) };
}
