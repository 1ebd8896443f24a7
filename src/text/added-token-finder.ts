/**
 * Cuts added tokens out of a text, as Hugging Face's Rust library does: leftmost, then longest; tokens may want to be words
 * of their own, or swallow white space around them. @huggingface/tokenizers 0.2.0 knows JavaScript's white space only and no
 * words.
 */
import type { AddedToken } from "./added-tokens.ts";
import { trimEnd } from "./normalizer.ts";
import { WORD_CLASS } from "./pre-tokenizer.ts";

interface Node {
  next: Map<number, Node>; // by UTF-16 code unit
  token?: AddedToken;
}

const BEGINS_WITH_WORD = new RegExp(`^[${WORD_CLASS}]`, "u");
const ENDS_WITH_WORD = new RegExp(`[${WORD_CLASS}]$`, "u");

export class AddedTokenFinder {
  readonly #root: Node = { next: new Map() };

  /** @param textOf the text by which a token is found */
  constructor(tokens: readonly AddedToken[], textOf: (token: AddedToken) => string) {
    for (const token of tokens) {
      let node = this.#root;
      const text = textOf(token);
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        const next: Node = node.next.get(unit) ?? { next: new Map() };
        node.next.set(unit, next);
        node = next;
      }
      if (text !== "") node.token = token;
    }
  }

  /** The text between tokens, never empty, and the ids of tokens. */
  split(text: string): (string | number)[] {
    const pieces: (string | number)[] = [];
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const found = this.#at(text, at);
      if (!found) {
        at++;
        continue;
      }
      const { token, end } = found;
      const begin = at;
      at = end;
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

  /** The longest token that begins at `start`. */
  #at(text: string, start: number): { token: AddedToken; end: number } | undefined {
    let node: Node | undefined = this.#root;
    let found: { token: AddedToken; end: number } | undefined;
    for (let end = start; node; node = node.next.get(text.charCodeAt(end++)))
      if (node.token) found = { token: node.token, end };
    return found;
  }
}

/** Whether no letter or digit touches [begin, end). Two code units suffice for the character before. */
function isOwnWord(text: string, begin: number, end: number): boolean {
  return (
    !ENDS_WITH_WORD.test(text.slice(Math.max(0, begin - 2), begin)) && !BEGINS_WITH_WORD.test(text.slice(end, end + 2))
  );
}
