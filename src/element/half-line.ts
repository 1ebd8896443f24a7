/** The line under an answer that offers half of the image tokens, or all of them again. */
import type { GenerationStats, ModelInfo } from "../api.ts";
import { savingOfHalf } from "../shared/half-tokens.ts";
import type { TokenBudget } from "./settings.ts";

/** The image tokens of the next question: all, half of them by this line's button, or another choice. */
export type TokenChoice = "all" | "half" | "other";

/** A sentence and its button, which switches between "all" and "half". */
export interface HalfLine {
  text: string;
  button: string;
}

const USE_HALF = "Use half of the tokens";

/**
 * Undefined where there is nothing to offer: without a picture, with another choice, and where the model compresses by
 * default or would save too little.
 *
 * @param stats of the last answer
 */
export function halfLine(
  stats: GenerationStats,
  { compression }: ModelInfo["defaults"],
  choice: TokenChoice,
): HalfLine | undefined {
  const { imageTokensBefore, imageTokensAfter } = stats;
  if (imageTokensBefore === 0 || compression.method !== "none" || choice === "other") return undefined;
  if (choice === "half") return { text: "Questions now use half of the image tokens.", button: "All image tokens" };
  if (imageTokensAfter < imageTokensBefore) return { text: "Questions now use all image tokens.", button: USE_HALF };
  const percent = savingOfHalf(stats);
  if (percent === undefined) return undefined;
  return { text: `Half of the image tokens would show the first word about ${percent} % sooner.`, button: USE_HALF };
}

/** `tokens` after the button for half of them. */
const HALF = "50%";

/** Switches an element's `tokens` between half of them and what the page chose. */
export class HalfSwitch {
  readonly #element: { tokens: TokenBudget };
  /** `tokens` before the user chose half of them; undefined if the page's own choice stands. */
  #before: TokenBudget | undefined;

  constructor(element: { tokens: TokenBudget }) {
    this.#element = element;
  }

  /** The line under an answer with these statistics. */
  line(stats: GenerationStats | undefined, { defaults }: Pick<ModelInfo, "defaults">): HalfLine | undefined {
    const { tokens } = this.#element;
    const isAll = tokens === null || tokens === "none";
    return stats && halfLine(stats, defaults, this.#isHalf ? "half" : isAll ? "all" : "other");
  }

  switch(): void {
    const { tokens } = this.#element;
    const isHalf = this.#isHalf;
    this.#element.tokens = isHalf ? this.#before! : HALF;
    this.#before = isHalf ? undefined : tokens;
  }

  get #isHalf(): boolean {
    return this.#element.tokens === HALF && this.#before !== undefined;
  }
}
