/**
 * Cuts added tokens out of a text, as Hugging Face's Rust library does: leftmost, then longest. A token may match only
 * as a whole word, or take the white space around it. @huggingface/tokenizers 0.2.0 supports only JavaScript's white
 * space and no whole words.
 */
import type { AddedToken } from "./added-tokens.ts";
import { trimEnd } from "./normalizer.ts";
import { WORD_CLASS } from "./pre-tokenizer.ts";
import { TokenTrie } from "./token-trie.ts";

const BEGINS_WITH_WORD = new RegExp(`^[${WORD_CLASS}]`, "u");
const ENDS_WITH_WORD = new RegExp(`[${WORD_CLASS}]$`, "u");

/** Finds the added tokens of one tokenizer in texts. */
export class AddedTokenFinder {
  readonly #tokens: ReadonlyMap<string, AddedToken>;
  readonly #trie: TokenTrie;

  /** @param textOf the text by which a token is found */
  constructor(tokens: readonly AddedToken[], textOf: (token: AddedToken) => string) {
    this.#tokens = new Map(tokens.map((token) => [textOf(token), token]));
    this.#trie = new TokenTrie(this.#tokens.keys());
  }

  /** The text between tokens, never empty, and the ids of tokens. */
  split(text: string): (string | number)[] {
    const pieces: (string | number)[] = [];
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const begin = at;
      const end = this.#trie.endAt(text, begin);
      at = end < 0 ? begin + 1 : end;
      if (end < 0) continue;
      const token = this.#tokens.get(text.slice(begin, end))!;
      if (token.single_word && !isOwnWord(text, begin, end)) continue;
      const before = text.slice(done, begin);
      const kept = token.lstrip ? trimEnd(before) : before;
      if (kept !== "") pieces.push(kept);
      pieces.push(token.id);
      while (token.rstrip && at < text.length && /\p{White_Space}/u.test(text[at]!)) at++;
      done = at;
    }
    if (done < text.length) pieces.push(text.slice(done));
    return pieces;
  }
}

/** True if no letter or digit touches [begin, end). Two code units suffice for the character before. */
function isOwnWord(text: string, begin: number, end: number): boolean {
  return (
    !ENDS_WITH_WORD.test(text.slice(Math.max(0, begin - 2), begin)) && !BEGINS_WITH_WORD.test(text.slice(end, end + 2))
  );
}
