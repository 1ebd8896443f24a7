/**
 * Keeps users' text from becoming control tokens. A prompt is one string: the template's own "<image>" and "<|im_end|>"
 * are tokens, and the same characters in a user's message are not. So users' text is marked before the template reads
 * it: an invisible mark splits every control token in it. Marks are removed after the tokens have been cut out of the
 * prompt, and before the text between them becomes words.
 *
 * Rejected: placeholders for whole messages, because templates inspect messages (trim them, ask for their length, split
 * them at "</think>"). Harmless text gets no mark, so its prompt is unchanged, character for character and id for id.
 *
 * Two cases stay unmarked: tokens of a single character, which equal text, and text inside a token whose two ends a
 * template writes itself. Tokens that a template creates by changing text are found in stand-ins.ts.
 */
import { type AddedToken, isControl } from "./added-tokens.ts";
import { TokenTrie } from "./token-trie.ts";

/**
 * U+FDD0 and U+FDD1 are noncharacters: free for internal use, never exchanged, unchanged by normalization. U+FDD0 in text is
 * escaped as U+FDD0 U+FDD2.
 */
export const MARK = "\uFDD0\uFDD1";
const ESCAPED = "\uFDD0\uFDD2";

interface Tries {
  found: TokenTrie;
  normalized: TokenTrie;
}

/** Marks the control tokens of one tokenizer in users' text. */
export class LiteralText {
  readonly #tokens: readonly Pick<AddedToken, "content" | "special">[];
  readonly #normalize: (text: string) => string;
  readonly #all: Tries;
  readonly #special: Tries;

  /** @param placeholder the template's text for a picture; it counts as a special token */
  constructor(added: readonly AddedToken[], normalize: (text: string) => string, placeholder?: string) {
    this.#tokens = added.filter(isControl);
    if (placeholder !== undefined) this.#tokens = [...this.#tokens, { content: placeholder, special: true }];
    this.#normalize = normalize;
    this.#all = this.#tries(() => true);
    this.#special = this.#tries(({ special }) => special);
  }

  #tries(counts: (token: Pick<AddedToken, "special">) => boolean): Tries {
    const contents = this.#tokens.filter(counts).map(({ content }) => content);
    return { found: new TokenTrie(contents), normalized: new TokenTrie(contents.map(this.#normalize)) };
  }

  /** @param isAnswer only special tokens are marked */
  mark(text: string, isAnswer: boolean): string {
    const contents = this.#tokens.filter(({ special }) => special || !isAnswer).map(({ content }) => content);
    if (contents.length === 0) return escapeMarks(text);
    const { found, normalized: normalizedTokens } = isAnswer ? this.#special : this.#all;
    // Marks every token start, including overlapping ones; the mark follows the token's first character.
    let marked = "";
    let done = 0;
    for (let at = 0; at < text.length; at++) {
      if (found.endAt(text, at) < 0) continue;
      const character = String.fromCodePoint(text.codePointAt(at)!);
      marked += escapeMarks(text.slice(done, at)) + character + MARK;
      done = at + character.length;
      at = done - 1;
    }
    marked += escapeMarks(text.slice(done));
    // The text may also begin with the end of a token, or end with the beginning of one, and its neighbours complete it.
    if (contents.some((content) => overlaps(content, text))) marked = MARK + marked;
    if (contents.some((content) => overlaps(text, content))) marked += MARK;

    // Normalization may turn text into a token ("<|ENDOFTEXT|>" for a model without capitals).
    const normalized = this.#normalize(marked);
    const isHidden = found.isIn(normalized) || normalizedTokens.isIn(normalized);
    return isHidden ? Array.from(text, (character) => escapeMarks(character) + MARK).join("") : marked;
  }
}

/** Escapes marks in text, so that it survives their removal. */
export function escapeMarks(text: string): string {
  return text.replaceAll("\uFDD0", ESCAPED);
}

/** The text without marks. */
export function unmark(text: string): string {
  return text.replace(/\uFDD0([\uFDD1\uFDD2])/g, (_, kind) => (kind === "\uFDD1" ? "" : "\uFDD0"));
}

/** True if an end of `first` is a beginning of `second`. */
function overlaps(first: string, second: string): boolean {
  for (let length = Math.min(first.length, second.length); length > 0; length--) {
    if (first.endsWith(second.slice(0, length))) return true;
  }
  return false;
}

/** A regular expression that finds the text itself. */
export function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
