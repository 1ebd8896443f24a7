/**
 * Text of users that must stay text. A prompt is one string in which the template's own "<image>" and "<|im_end|>" are
 * tokens and the same characters in a user's message are not. So what users wrote is marked before it is put into the
 * template: an invisible mark goes into every control token that it contains. Marks are taken out again after the
 * tokens have been cut out of the prompt and before the text between them is encoded.
 *
 * Why marks and not stand-ins for whole messages: templates look at what they are given (trim it, ask for its length,
 * split it at "</think>"), which stand-ins would spoil. Harmless text gets no mark, so that its prompt is, character for
 * character and id for id, the one that the plain text makes.
 *
 * Left alone are tokens of a single character, which text cannot be told from, and text that a template puts in the
 * middle of a token of which it writes both ends itself.
 */
import { type AddedToken, AddedTokenMatcher } from "./added-tokens.ts";
import type { Normalizer } from "./normalizer.ts";

/**
 * U+FDD0 and U+FDD1 are noncharacters: free for use inside a program, never exchanged, untouched by normalization. Text
 * that has U+FDD0 all the same gets it written as U+FDD0 U+FDD2.
 */
const MARK = "\uFDD0\uFDD1";
const ESCAPED = "\uFDD0\uFDD2";

export class LiteralText {
  readonly #control: readonly AddedToken[];
  readonly #matcher: AddedTokenMatcher;
  readonly #normalize: Normalizer;
  readonly #normalizedTokens: AddedTokenMatcher;

  /** @param normalizedTokens finds the added tokens that are looked for in normalized text */
  constructor(added: readonly AddedToken[], normalize: Normalizer, normalizedTokens: AddedTokenMatcher) {
    this.#control = added.filter(isControl);
    this.#matcher = new AddedTokenMatcher(this.#control.map((token) => [token.content, token]));
    this.#normalize = normalize;
    this.#normalizedTokens = normalizedTokens;
  }

  /** @param isAnswer only special tokens are marked */
  mark(text: string, isAnswer: boolean): string {
    const matters = (token: AddedToken) => (isAnswer ? token.special : isControl(token));
    const cuts = new Set<number>();
    // Behind the first character: a mark in front of it would not break the token.
    for (const { start } of this.#matcher.occurrences(text, matters)) {
      cuts.add(start + (text.codePointAt(start)! > 0xffff ? 2 : 1));
    }
    // The text may also begin with the end of a token or end with the beginning of one, the rest coming from its
    // neighbours.
    const tokens = this.#control.filter(matters);
    if (tokens.some(({ content }) => overlaps(content, text))) cuts.add(0);
    if (tokens.some(({ content }) => overlaps(text, content))) cuts.add(text.length);

    const marked = insertMarks(text, cuts);
    // Normalization may make a token of what is none yet ("<|ENDOFTEXT|>" for a model without capitals).
    const hidden = this.#normalizedTokens.occurrences(this.#normalize(marked), matters).length > 0;
    return hidden ? Array.from(text, (character) => escapeMarks(character) + MARK).join("") : marked;
  }

  /** The text without marks. */
  unmark(text: string): string {
    return text.replace(/\uFDD0([\uFDD1\uFDD2])/g, (_, kind) => (kind === "\uFDD1" ? "" : "\uFDD0"));
  }
}

/**
 * Tokens that steer the model, as against words that somebody added to the vocabulary: the special ones, and what looks
 * like markup ("<tool_call>", "[INST]").
 */
function isControl({ content, special }: AddedToken): boolean {
  return content.length > 1 && (special || /^(<.*>|\[.*\])$/s.test(content));
}

/** Whether an end of `first` is a beginning of `second`. */
function overlaps(first: string, second: string): boolean {
  for (let length = Math.min(first.length, second.length); length > 0; length--) {
    if (first.endsWith(second.slice(0, length))) return true;
  }
  return false;
}

function insertMarks(text: string, cuts: ReadonlySet<number>): string {
  let result = "";
  let done = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    result += escapeMarks(text.slice(done, cut)) + MARK;
    done = cut;
  }
  return result + escapeMarks(text.slice(done));
}

function escapeMarks(text: string): string {
  return text.replaceAll("\uFDD0", ESCAPED);
}
