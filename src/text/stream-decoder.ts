/**
 * Ids to text while they are being generated: what is returned is never taken back, and no character is shown before
 * all its bytes are there. The concatenation of what `push` and `flush` return is `Tokenizer.decode` of all ids.
 *
 * The library decodes whole lists only, so a few of the last tokens are decoded again with each new one: what a token
 * adds to the text depends on none but them. Work per token does not grow with the text, but for a model that writes
 * nothing but U+FFFD.
 */

/** What the decoder has to know of a tokenizer. */
export interface TokenSource {
  hasId(id: number): boolean;
  /** Whether decoded text leaves this token out. */
  isSpecial(id: number): boolean;
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
}

export interface DecodeOptions {
  /** Leave special tokens out; default true. */
  skipSpecialTokens?: boolean;
}

/** Tokens kept as context: one tells the decoder that the text has begun; more allow for tokens that are all space. */
const CONTEXT = 4;

/** Decodes one text; make a new one for the next. */
export class StreamDecoder {
  readonly #source: TokenSource;
  readonly #skipSpecial: boolean;
  /** The last tokens, and how much of their text is shown. */
  #window: number[] = [];
  #shown = 0;

  constructor(source: TokenSource, options: DecodeOptions = {}) {
    this.#source = source;
    this.#skipSpecial = options.skipSpecialTokens ?? true;
  }

  /** The text that this id settles, often none. Ids that the tokenizer does not have are passed over. */
  push(id: number): string {
    if (!this.#source.hasId(id) || (this.#skipSpecial && this.#source.isSpecial(id))) return "";
    this.#window.push(id);
    const text = this.#decode();
    // An unfinished character is one U+FFFD at the end.
    const isWhole = !text.endsWith("\uFFFD");
    const added = this.#show(isWhole ? text : text.slice(0, -1));
    if (isWhole && this.#window.length > 2 * CONTEXT) {
      this.#window = this.#window.slice(-CONTEXT);
      this.#shown = this.#decode().length;
    }
    return added;
  }

  /**
   * Takes ids whose text is shown already, such as the prompt that an answer continues: the space in front of the
   * answer's first word then counts as one within the text.
   */
  prime(ids: Iterable<number>): void {
    for (const id of ids) this.push(id);
  }

  /** The rest of the text: an unfinished character becomes U+FFFD. */
  flush(): string {
    return this.#show(this.#decode());
  }

  #decode(): string {
    return this.#source.decode(this.#window, { skipSpecialTokens: false });
  }

  #show(text: string): string {
    const added = text.slice(this.#shown);
    this.#shown = Math.max(this.#shown, text.length);
    return added;
  }
}
