/** Reads the sampler's result: an id, or the reason why there is none. */
import { FoveaError, notFiniteError } from "../errors.ts";
import { NOT_FINITE } from "../kernels/sample.ts";
import { NO_TOKEN } from "../kernels/token-embed.ts";

/** A token and its log-probability. */
export interface TokenLogprob {
  id: number;
  logprob: number;
}

/** The next token; on request with its log-probability and those of the most likely tokens. */
export interface ChosenToken {
  id: number;
  logprobs?: { logprob: number; top: TokenLogprob[] };
}

/** Throws FoveaError `bad-weights` for logits that are not finite, `unsupported-model` where no token may be generated. */
function chosenToken(id: number): number {
  if (id === NOT_FINITE) throw notFiniteError("logits");
  if (id === NO_TOKEN)
    throw new FoveaError(
      "unsupported-model",
      "none of the model's tokens may be generated: its tokenizer has none of their ids",
    );
  return id;
}

/** @param bytes the chosen id, then on request 21 ids and their log-probabilities, as `topLogprobs` writes them */
export function readChoice(bytes: ArrayBuffer, count: number | undefined): ChosenToken {
  const words = new Uint32Array(bytes);
  const id = chosenToken(words[0]!);
  if (count === undefined) return { id };
  const ids = words.subarray(1);
  const values = new Float32Array(bytes, 4 * (1 + ids.length / 2));
  const top = Array.from({ length: count }, (_, i) => ({ id: ids[1 + i]!, logprob: values[1 + i]! }));
  return { id, logprobs: { logprob: values[0]!, top: top.filter((token) => token.id !== NO_TOKEN) } };
}
