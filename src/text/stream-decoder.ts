/**
 * Decodes ids to text during generation. Returned text never changes, and a character is returned only once all its
 * bytes have arrived. The results of `push` and `flush` together equal `Tokenizer.decode` of all ids, except for
 * `dropFirstSpace`.
 *
 * The library decodes only whole lists, so each new token is decoded with the last few, on which its text depends. Work per
 * token does not grow with the text, except for a model that writes only U+FFFD.
 */

/** The part of a tokenizer that the decoder needs. */
export interface TokenSource {
  hasId(id: number): boolean;
  /** True if decoding skips this token. */
  isSpecial(id: number): boolean;
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
}

export interface DecodeOptions {
  /** Skip special tokens; default true. */
  skipSpecialTokens?: boolean;
}

export interface StreamOptions extends DecodeOptions {
  /** Leave out one space at the start of the text: many models begin an answer with a token such as " Yes". Default false. */
  dropFirstSpace?: boolean;
}

/** Tokens of context: one tells the decoder that the text has begun; more are needed for tokens of spaces only. */
const CONTEXT = 4;

/** Decodes one text; make a new one for the next. */
export class StreamDecoder {
  readonly #source: TokenSource;
  readonly #skipSpecial: boolean;
  /** The last tokens, and the length of their returned text. */
  #window: number[] = [];
  #shown = 0;
  /** True if the next text is the first one and loses its space. */
  #dropsSpace: boolean;

  constructor(source: TokenSource, options: StreamOptions = {}) {
    this.#source = source;
    this.#skipSpecial = options.skipSpecialTokens ?? true;
    this.#dropsSpace = options.dropFirstSpace ?? false;
  }

  /** The text that this id completes, often empty. Ignores unknown ids. */
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
   * Takes ids whose text is already shown, such as a prompt that the answer continues. The space before the answer's first
   * word then counts as a space inside the text.
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
    if (!this.#dropsSpace || added === "") return added;
    this.#dropsSpace = false;
    return added.replace(/^ /, "");
  }
}
