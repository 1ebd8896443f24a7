/** Times and counts of one answer. */
import type { GenerationStats, PictureCost } from "../api.ts";

/** Measures the stages of one answer, in milliseconds, and holds its counts. */
export class Clock {
  readonly numbers = { promptTokens: 0, reusedTokens: 0, compileMs: 0, visionMs: 0, prefillMs: 0 };
  reuse: GenerationStats["reuse"] = "any token";
  readonly #pictures: PictureCost[] = [];
  readonly #start = performance.now();
  #firstToken: number | undefined;
  #lastToken = 0;
  #newTokens = 0;

  addPicture(cost: PictureCost): void {
    this.#pictures.push(cost);
  }

  countToken(): void {
    this.#lastToken = performance.now();
    this.#firstToken ??= this.#lastToken;
    this.#newTokens++;
  }

  stats(): Omit<GenerationStats, "gpuBytes"> {
    const decodeMs = this.#firstToken === undefined ? 0 : this.#lastToken - this.#firstToken;
    return {
      ...this.numbers,
      reuse: this.reuse,
      imageTokensBefore: this.#pictures.reduce((sum, { tokensBefore }) => sum + tokensBefore, 0),
      imageTokensAfter: this.#pictures.reduce((sum, { tokensAfter }) => sum + tokensAfter, 0),
      pictures: [...this.#pictures],
      newTokens: this.#newTokens,
      decodeMs,
      totalMs: performance.now() - this.#start,
      timeToFirstTokenMs: this.#firstToken === undefined ? 0 : this.#firstToken - this.#start,
      // Prefill yields the first token, decoding the others.
      tokensPerSecond: decodeMs > 0 ? ((this.#newTokens - 1) * 1000) / decodeMs : 0,
    };
  }
}
