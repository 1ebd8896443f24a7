/** Times and counts of one answer. */
import type { GenerationStats } from "../api.ts";

export class Clock {
  readonly numbers = { imageTokensBefore: 0, imageTokensAfter: 0, promptTokens: 0, visionMs: 0, prefillMs: 0 };
  readonly #start = performance.now();
  #firstToken: number | undefined;
  #lastToken = 0;
  #newTokens = 0;

  countToken(): void {
    this.#lastToken = performance.now();
    this.#firstToken ??= this.#lastToken;
    this.#newTokens++;
  }

  stats(): Omit<GenerationStats, "gpuBytes"> {
    const decodeMs = this.#firstToken === undefined ? 0 : this.#lastToken - this.#firstToken;
    return {
      ...this.numbers,
      newTokens: this.#newTokens,
      decodeMs,
      totalMs: performance.now() - this.#start,
      timeToFirstTokenMs: this.#firstToken === undefined ? 0 : this.#firstToken - this.#start,
      // The first token comes out of prefill; the others are decoding's.
      tokensPerSecond: decodeMs > 0 ? ((this.#newTokens - 1) * 1000) / decodeMs : 0,
    };
  }
}
