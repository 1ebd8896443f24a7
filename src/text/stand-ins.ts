/**
 * Finds control tokens that a chat template creates from users' text, and renders a prompt without them. Marks
 * (literal.ts) split the tokens that a text contains, but a template that changes text can create others:
 * `replace('\n', '')` turns "<|\nim_end|>" into a token. So a conversation whose text could begin a token is rendered
 * twice. The second time stand-ins replace these characters one for one, so the template cannot form tokens from them.
 * If both prompts have the same tokens, the template wrote them all.
 *
 * Stand-ins are not used for every prompt, because a template may search a text for "<", and marks change fewer texts.
 */
import { type AddedToken, isControl } from "./added-tokens.ts";
import { escapeMarks, MARK } from "./literal.ts";
import { TokenTrie } from "./token-trie.ts";

/** Noncharacters beside those of literal.ts, free for internal use. */
const FIRST = 0xfdd3;
const COUNT = 0xfdef - FIRST + 1;
const STAND_IN = /[\ufdd3-\ufdef]/g;

/** Stand-ins for the first characters of one tokenizer's control tokens. */
export class StandIns {
  /** Characters that begin control tokens, in both cases; a character's place is its stand-in's. */
  readonly #beginnings: string[];
  /** All control tokens, also in normalized form. */
  readonly #all: TokenTrie;
  /** Control tokens that are not special. */
  readonly #plain: TokenTrie;
  readonly #normalize: (text: string) => string;

  /** @param placeholder as for `LiteralText` */
  constructor(added: readonly AddedToken[], normalize: (text: string) => string, placeholder?: string) {
    const tokens: Pick<AddedToken, "content" | "special">[] = added.filter(isControl);
    if (placeholder !== undefined) tokens.push({ content: placeholder, special: true });
    this.#normalize = normalize;
    this.#all = new TokenTrie(tokens.flatMap(({ content }) => [content, normalize(content)]));
    this.#plain = new TokenTrie(tokens.filter(({ special }) => !special).map(({ content }) => content));
    const first = tokens.flatMap(({ content }) => {
      const character = String.fromCodePoint(content.codePointAt(0)!);
      return [character, character.toLowerCase(), character.toUpperCase()];
    });
    this.#beginnings = [...new Set(first)].slice(0, COUNT);
  }

  /** True if a template could turn a part of the text into a token. */
  mayBegin(text: string): boolean {
    return this.#beginnings.some((character) => text.includes(character));
  }

  /** @param isAnswer tokens that are not special stay, as for `LiteralText.mark` */
  standIn(text: string, isAnswer: boolean): string {
    const escaped = escapeMarks(text);
    let result = "";
    for (let at = 0; at < escaped.length; ) {
      const end = isAnswer ? this.#plain.endAt(escaped, at) : -1;
      const character = end < 0 ? String.fromCodePoint(escaped.codePointAt(at)!) : escaped.slice(at, end);
      const place = this.#beginnings.indexOf(character);
      if (place >= 0 && end < 0) result += String.fromCharCode(FIRST + place);
      else result += character.replace(STAND_IN, "\ufffd");
      at += character.length;
    }
    return result;
  }

  /** The rendered text with the characters in place of their stand-ins, marked. */
  putBack(rendered: string): string {
    return rendered.replace(STAND_IN, (found) => {
      const character = this.#beginnings[found.charCodeAt(0) - FIRST];
      return character === undefined ? "\ufffd" : character + MARK;
    });
  }

  /** The control tokens in a rendered text, in order, also those that its normalized form has; as one string. */
  tokensIn(rendered: string): string {
    const normalized = this.#normalize(rendered);
    return normalized === rendered
      ? listed(this.#all, rendered)
      : `${listed(this.#all, rendered)}\0\0${listed(this.#all, normalized)}`;
  }
}

/** The tokens in a text, leftmost and longest first, as one string. */
function listed(tokens: TokenTrie, text: string): string {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = tokens.endAt(text, at);
    if (end >= 0) found.push(text.slice(at, end));
    at = end >= 0 ? end : at + 1;
  }
  return found.join("\0");
}
