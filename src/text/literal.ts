/**
 * Text of users that must stay text. A prompt is one string in which the template's own "<image>" and "<|im_end|>" are
 * tokens and the same characters in a user's message are not. So what users wrote is marked before it is put into the
 * template: an invisible mark goes into every control token that it contains. Marks are taken out again after the
 * tokens have been cut out of the prompt and before the text between them becomes words.
 *
 * Why marks and not stand-ins for whole messages: templates look at what they are given (trim it, ask for its length,
 * split it at "</think>"), which stand-ins would spoil. Harmless text gets no mark, so that its prompt is, character for
 * character and id for id, the one that the plain text makes.
 *
 * Left alone are tokens of a single character, which text cannot be told from, and text that a template puts in the
 * middle of a token of which it writes both ends itself.
 */
import { type AddedToken, isControl } from "./added-tokens.ts";

/**
 * U+FDD0 and U+FDD1 are noncharacters: free for use inside a program, never exchanged, untouched by normalization. Text
 * that has U+FDD0 all the same gets it written as U+FDD0 U+FDD2.
 */
const MARK = "\uFDD0\uFDD1";
const ESCAPED = "\uFDD0\uFDD2";

export class LiteralText {
  readonly #tokens: readonly Pick<AddedToken, "content" | "special">[];
  readonly #normalize: (text: string) => string;

  /** @param placeholder text that stands for a picture in the template's output; it counts as a special token */
  constructor(added: readonly AddedToken[], normalize: (text: string) => string, placeholder?: string) {
    this.#tokens = added.filter(isControl);
    if (placeholder !== undefined) this.#tokens = [...this.#tokens, { content: placeholder, special: true }];
    this.#normalize = normalize;
  }

  /** @param isAnswer only special tokens are marked */
  mark(text: string, isAnswer: boolean): string {
    const contents = this.#tokens.filter(({ special }) => special || !isAnswer).map(({ content }) => content);
    if (contents.length === 0) return escapeMarks(text);
    // At each place where a token begins, overlapping ones included; the mark goes behind its first character.
    const start = new RegExp(`(?=${contents.map(escapePattern).join("|")})[^]`, "gu");
    let marked = "";
    let done = 0;
    for (const { index, 0: character } of text.matchAll(start)) {
      marked += escapeMarks(text.slice(done, index)) + character + MARK;
      done = index + character.length;
    }
    marked += escapeMarks(text.slice(done));
    // The text may also begin with the end of a token or end with the beginning of one, the rest coming from its
    // neighbours.
    if (contents.some((content) => overlaps(content, text))) marked = MARK + marked;
    if (contents.some((content) => overlaps(text, content))) marked += MARK;

    // Normalization may make a token of what is none yet ("<|ENDOFTEXT|>" for a model without capitals).
    const normalized = this.#normalize(marked);
    const isHidden = contents.some(
      (token) => normalized.includes(token) || normalized.includes(this.#normalize(token)),
    );
    return isHidden ? Array.from(text, (character) => escapeMarks(character) + MARK).join("") : marked;
  }
}

/** Makes text stay as it is where marks are taken out. */
export function escapeMarks(text: string): string {
  return text.replaceAll("\uFDD0", ESCAPED);
}

/** The text without marks. */
export function unmark(text: string): string {
  return text.replace(/\uFDD0([\uFDD1\uFDD2])/g, (_, kind) => (kind === "\uFDD1" ? "" : "\uFDD0"));
}

/** Whether an end of `first` is a beginning of `second`. */
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
