/**
 * Points at words of an answer that recorded where they looked: by pointer, by click and by arrow keys. Shows nothing.
 */
import { rangeOf, type TextRange, wordsBelow } from "./words.ts";

/** The words of an answer that are pointed at. */
export interface PointedWords {
  /** Id of the turn whose shown answer it is. */
  readonly turn: number;
  readonly words: TextRange;
  /** True if they stay when the pointer leaves. */
  readonly isPinned: boolean;
}

const STEPS: Record<string, number> = {
  ArrowRight: 1,
  ArrowDown: 1,
  ArrowLeft: -1,
  ArrowUp: -1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/** Listens on the elements of answers; each has its turn's id in `data-turn`. */
export class WordPointer {
  readonly #onChange: () => void;
  #pointed: PointedWords | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get pointed(): PointedWords | undefined {
    return this.#pointed;
  }

  clear(): void {
    this.#point(undefined);
  }

  /** Only a pointer that moves counts: an answer may appear under one that rests. */
  readonly hover = (event: Event): void => {
    if (this.#pointed?.isPinned) return;
    const words = rangeOf(event.target);
    if (words?.start !== this.#pointed?.words.start) this.#point(words && { ...turnOf(event), words, isPinned: false });
  };

  readonly leave = (): void => {
    if (this.#pointed && !this.#pointed.isPinned) this.#point(undefined);
  };

  /** Pins a word, or lets go of a pinned one. */
  readonly pin = (event: Event): void => {
    const words = rangeOf(event.target);
    if (!words) return;
    const isSame = this.#pointed?.isPinned === true && this.#pointed.words.start === words.start;
    this.#point(isSame ? undefined : { ...turnOf(event), words, isPinned: true });
  };

  readonly step = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && this.#pointed) {
      event.stopPropagation();
      this.#point(undefined);
      return;
    }
    const step = STEPS[event.key] ?? 0;
    const all = wordsBelow(event.currentTarget as HTMLElement);
    if (step === 0 || all.length === 0) return;
    event.preventDefault();
    const { turn } = turnOf(event);
    const { pointed } = this;
    const at = pointed?.turn === turn ? all.findIndex((word) => rangeOf(word)!.start === pointed.words.start) : -1;
    const next = all[Math.min(all.length - 1, Math.max(0, at + step))]!;
    next.scrollIntoView({ block: "nearest" });
    this.#point({ turn, words: rangeOf(next)!, isPinned: true });
  };

  #point(pointed: PointedWords | undefined): void {
    if (pointed === this.#pointed) return;
    this.#pointed = pointed;
    this.#onChange();
  }
}

function turnOf(event: Event): { turn: number } {
  return { turn: Number((event.currentTarget as HTMLElement).dataset.turn) };
}
