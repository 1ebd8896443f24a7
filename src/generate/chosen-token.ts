/** What the sampler returned: an id, or why there is none. */
import { FoveaError, notFiniteError } from "../errors.ts";
import { NOT_FINITE } from "../kernels/sample.ts";
import { NO_TOKEN } from "../kernels/token-embed.ts";

/** Throws FoveaError `bad-weights` for logits that are not finite, `unsupported-model` where no token may be generated. */
export function chosenToken(id: number): number {
  if (id === NOT_FINITE) throw notFiniteError("logits");
  if (id === NO_TOKEN)
    throw new FoveaError(
      "unsupported-model",
      "none of the model's tokens may be generated: its tokenizer has none of their ids",
    );
  return id;
}
