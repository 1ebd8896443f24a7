/** The line under the question field: how many tokens the conversation has with the question that is being typed. */
import { html, nothing, type TemplateResult } from "lit";
import type { TokenCount } from "../api.ts";

/** Pause in typing before the tokens are counted: each count renders the whole conversation. */
const PAUSE_MS = 250;

/** Counts the tokens of a question; undefined where nobody can tell, such as before the model is loaded. */
export type CountQuestion<P> = (
  question: string,
  pictures: readonly P[],
  signal: AbortSignal,
) => Promise<TokenCount | undefined>;

export class TokenLine<P> {
  readonly #count: CountQuestion<P>;
  readonly #onChange: () => void;
  #counted: TokenCount | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = new AbortController();

  /** @param onChange called when there is another number */
  constructor(count: CountQuestion<P>, onChange: () => void) {
    this.#count = count;
    this.#onChange = onChange;
  }

  /** Counts once the typing pauses. Without text and pictures there is no line. */
  typed(question: string, pictures: readonly P[]): void {
    this.stop();
    if (question === "" && pictures.length === 0) {
      if (this.#counted) this.#onChange();
      this.#counted = undefined;
      return;
    }
    const { signal } = this.#running;
    this.#timer = setTimeout(() => void this.#run(question, pictures, signal), PAUSE_MS);
  }

  /** Forgets a count under way. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#running.abort();
    this.#running = new AbortController();
  }

  async #run(question: string, pictures: readonly P[], signal: AbortSignal): Promise<void> {
    // The question itself reports a picture that cannot be read.
    const counted = await this.#count(question, pictures, signal).catch(() => undefined);
    if (signal.aborted) return;
    this.#counted = counted;
    this.#onChange();
  }

  render(): TemplateResult | typeof nothing {
    if (!this.#counted || this.#counted.contextLength === 0) return nothing;
    const { promptTokens, contextLength, isExact } = this.#counted;
    const isOver = promptTokens > contextLength;
    const text = `${isExact ? "" : "about "}${promptTokens} of ${contextLength} tokens${isOver ? ": too long" : ""}`;
    return html`<p class=${isOver ? "tokens over" : "tokens"} part="tokens">${text}</p>`;
  }
}
