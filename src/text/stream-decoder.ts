/**
 * Ids to text while they are being generated: what is returned is never taken back, and no character is shown before
 * all its bytes are there. The concatenation of what `push` and `flush` return is `Tokenizer.decode` of all ids, which
 * is made of this class. Work per token does not grow with the text.
 *
 * What transformers calls `clean_up_tokenization_spaces` ("word ." -> "word.") is not done: it is no part of
 * tokenizer.json, it damages code, and transformers itself has it off by default for models of today.
 */
import type { DecodeStage } from "./decode-stages.ts";

/** What the decoder has to know of a tokenizer. */
export interface TokenSource {
  /** The token of an id; undefined for an id that the tokenizer does not have. */
  token(id: number): string | undefined;
  isSpecial(id: number): boolean;
  /** Fresh stages, in order. */
  decodeStages(): DecodeStage[];
}

export interface DecodeOptions {
  /** Leave special tokens out; default true. */
  skipSpecialTokens?: boolean;
}

/** Decodes one text; make a new one for the next. */
export class StreamDecoder {
  readonly #source: TokenSource;
  readonly #stages: DecodeStage[];
  readonly #skipSpecial: boolean;

  constructor(source: TokenSource, options: DecodeOptions = {}) {
    this.#source = source;
    this.#stages = source.decodeStages();
    this.#skipSpecial = options.skipSpecialTokens ?? true;
  }

  /** The text that this id settles, often none. Ids that the tokenizer does not have are passed over. */
  push(id: number): string {
    const token = this.#source.token(id);
    if (token === undefined || (this.#skipSpecial && this.#source.isSpecial(id))) return "";
    return this.#run([token], 0).join("");
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
    let text = "";
    this.#stages.forEach((stage, i) => {
      text += this.#run(stage.end(), i + 1).join("");
    });
    return text;
  }

  /** Sends pieces through the stages from number `from` on. */
  #run(pieces: readonly string[], from: number): readonly string[] {
    let current = pieces;
    for (let i = from; i < this.#stages.length; i++) {
      current = current.flatMap((piece) => (piece === "" ? [] : this.#stages[i]!.push(piece)));
    }
    return current;
  }
}
