/**
 * Decides when an answer ends: at an end token, a stop string, or the number of tokens. Holds back text that may be the
 * beginning of a stop string. Independent of tokenizers and models; takes text as StreamDecoder returns it.
 *
 * The answer ends at the first character that completes a stop string; if it completes several, the longest counts. So
 * the result does not depend on how tokens cut the text. Rejected: the stop string that begins first. Text would be
 * held back for the end of a longer one that may never come.
 */

/** Finds stop strings in text that comes in parts, and holds back text that may be the beginning of one. */
export class StopMatcher {
  readonly #stops: readonly StopString[];
  #held = "";
  #stopped = false;

  /** @param stop strings that end the answer and are not part of it; none empty */
  constructor(stop: readonly string[]) {
    this.#stops = stop.map((text) => new StopString(text));
  }

  /** True if a stop string is complete; no more text follows. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Adds text; returns the new text that is certain to be part of the answer. */
  push(text: string): { text: string; stopped: boolean } {
    return { text: this.#release(text), stopped: this.#stopped };
  }

  /**
   * The rest of the answer, since nothing can complete a stop string any more.
   *
   * @param tail text that the decoder still held; a stop string may end in it, see `stopped`
   */
  flush(tail = ""): string {
    const text = this.#release(tail) + this.#held;
    this.#held = "";
    return text;
  }

  #release(text: string): string {
    if (this.#stopped) return "";
    const buffer = this.#held + text;
    for (let end = this.#held.length + 1; end <= buffer.length; end++) {
      let longest = 0;
      for (const stop of this.#stops) {
        if (stop.advance(buffer.charCodeAt(end - 1))) longest = Math.max(longest, stop.length);
      }
      if (longest > 0) {
        this.#stopped = true;
        this.#held = "";
        return buffer.slice(0, end - longest);
      }
    }
    const held = this.#stops.reduce((most, stop) => Math.max(most, stop.matched), 0);
    this.#held = buffer.slice(buffer.length - held);
    return buffer.slice(0, buffer.length - held);
  }
}

export interface StoppingOptions {
  /** Ids that end the answer. */
  eosIds: Iterable<number>;
  /** The most new tokens, including the end token; at least 1. */
  maxTokens: number;
  stop?: readonly string[];
}

export type StopReason = "stop" | "length";

export interface StopUpdate {
  text: string;
  /** Set when the answer has ended; `end` then returns the text that was held back. */
  reason?: StopReason;
}

/** Follows one answer token by token: end tokens, stop strings, the number of tokens. */
export class Stopping {
  readonly #eosIds: ReadonlySet<number>;
  readonly #maxTokens: number;
  readonly #matcher: StopMatcher;
  #tokens = 0;

  constructor({ eosIds, maxTokens, stop = [] }: StoppingOptions) {
    this.#eosIds = new Set(eosIds);
    this.#maxTokens = maxTokens;
    this.#matcher = new StopMatcher(stop);
  }

  /** Tokens counted so far. */
  get tokenCount(): number {
    return this.#tokens;
  }

  isEos(id: number): boolean {
    return this.#eosIds.has(id);
  }

  /** @param text the text that the token adds to the answer, often empty; an end token adds nothing */
  push(id: number, text: string): StopUpdate {
    this.#tokens++;
    if (this.isEos(id)) return { text: "", reason: "stop" };
    const { text: released, stopped } = this.#matcher.push(text);
    if (stopped) return { text: released, reason: "stop" };
    return this.#tokens >= this.#maxTokens ? { text: released, reason: "length" } : { text: released };
  }

  /** The rest of the answer; "stop" where a stop string ends in `tail`, what the decoder still held. */
  end(tail = ""): StopUpdate {
    const text = this.#matcher.flush(tail);
    return this.#matcher.stopped ? { text, reason: "stop" } : { text };
  }
}

/** Knuth, Morris and Pratt's search for one text, a UTF-16 code unit at a time. */
class StopString {
  readonly #text: string;
  /** For each length, how much of the text's beginning such a beginning ends with, itself excluded. */
  readonly #borders: Int32Array;
  /** Length of the longest beginning of the text that the input ends with. */
  matched = 0;

  constructor(text: string) {
    this.#text = text;
    this.#borders = new Int32Array(text.length + 1);
    for (let i = 1, border = 0; i < text.length; i++) {
      while (border > 0 && text[i] !== text[border]) border = this.#borders[border]!;
      if (text[i] === text[border]) border++;
      this.#borders[i + 1] = border;
    }
  }

  get length(): number {
    return this.#text.length;
  }

  /** Takes the next code unit; true if it completes the text. */
  advance(unit: number): boolean {
    let matched = this.matched;
    while (matched > 0 && this.#text.charCodeAt(matched) !== unit) matched = this.#borders[matched]!;
    this.matched = this.#text.charCodeAt(matched) === unit ? matched + 1 : 0;
    return this.matched === this.#text.length;
  }
}
