/**
 * The tokens of an answer with their log-probabilities, emitted once their text is certain to be part of the answer.
 */
import type { AnswerToken, TokenProbability } from "../api.ts";
import type { ChosenToken, TokenLogprob } from "../generate/chosen-token.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** Text may be held back because a stop string could begin in it; tokens of a stop string are never emitted. */
export class AnswerLog {
  readonly #tokenizer: Tokenizer;
  /** Tokens not emitted yet, each with the offset of its text in the answer. */
  #waiting: { start: number; token: AnswerToken }[] = [];
  #decoded = 0;
  #emitted = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** @param text the text that the token adds to the answer, often empty */
  addToken({ id, logprobs }: ChosenToken, text: string): void {
    if (logprobs) {
      const top = logprobs.top.map((token) => this.#describe(token));
      const token = { ...this.#describe({ id, logprob: logprobs.logprob }), top };
      this.#waiting.push({ start: this.#decoded, token });
    }
    this.#decoded += text.length;
  }

  /** Returns the tokens whose text begins in this text, or before it. */
  addText(text: string): AnswerToken[] {
    this.#emitted += text.length;
    const isEmitted = ({ start }: { start: number }) => start < this.#emitted;
    const emitted = this.#waiting.filter(isEmitted);
    this.#waiting = this.#waiting.filter((waiting) => !isEmitted(waiting));
    return emitted.map(({ token }) => token);
  }

  #describe({ id, logprob }: TokenLogprob): TokenProbability {
    const bytes = this.#tokenizer.bytes(id);
    return { id, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), bytes, logprob };
  }
}
