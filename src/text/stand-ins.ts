/**
 * Finds control tokens that a chat template makes of users' text, and a prompt without them. Marks (literal.ts) split the
 * tokens that a text contains, but a template that changes text makes others: `replace('\n', '')` turns "<|\nim_end|>" into
 * a token. So a conversation whose text could begin a token is rendered twice: with stand-ins for these characters, one for
 * one, the template can make no token of them. If the other prompt has the same tokens, the template wrote them all.
 *
 * Stand-ins are not used for every prompt: a template may look for "<" in a text, and marks change fewer texts.
 */
import { type AddedToken, isControl } from "./added-tokens.ts";
import { escapeMarks, escapePattern, MARK } from "./literal.ts";

/** Noncharacters beside those of literal.ts, free for internal use. */
const FIRST = 0xfdd3;
const COUNT = 0xfdef - FIRST + 1;
const STAND_IN = /[\ufdd3-\ufdef]/g;

export class StandIns {
  /** Characters that begin control tokens, in both cases; a character's place is its stand-in's. */
  readonly #beginnings: string[];
  readonly #tokens: readonly Pick<AddedToken, "content" | "special">[];
  readonly #normalize: (text: string) => string;

  /** @param placeholder as for `LiteralText` */
  constructor(added: readonly AddedToken[], normalize: (text: string) => string, placeholder?: string) {
    const tokens: Pick<AddedToken, "content" | "special">[] = added.filter(isControl);
    if (placeholder !== undefined) tokens.push({ content: placeholder, special: true });
    this.#tokens = tokens;
    this.#normalize = normalize;
    const first = tokens.flatMap(({ content }) => {
      const character = String.fromCodePoint(content.codePointAt(0)!);
      return [character, character.toLowerCase(), character.toUpperCase()];
    });
    this.#beginnings = [...new Set(first)].slice(0, COUNT);
  }

  /** Whether a template could make a token of the text. */
  mayBegin(text: string): boolean {
    return this.#beginnings.some((character) => text.includes(character));
  }

  /** @param isAnswer tokens that are not special stay, as for `LiteralText.mark` */
  standIn(text: string, isAnswer: boolean): string {
    const kept = isAnswer ? this.#tokens.filter(({ special }) => !special).map(({ content }) => content) : [];
    const pattern = [...kept, ...this.#beginnings, "[\ufdd3-\ufdef]"].map((one, i, all) =>
      i === all.length - 1 ? one : escapePattern(one),
    );
    return escapeMarks(text).replace(new RegExp(pattern.join("|"), "gu"), (found) => {
      if (kept.includes(found)) return found;
      const at = this.#beginnings.indexOf(found);
      return at < 0 ? "\ufffd" : String.fromCharCode(FIRST + at);
    });
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
    const contents = this.#tokens.map(({ content }) => content);
    const normalized = this.#normalize(rendered);
    const forms = normalized === rendered ? contents : [...contents, ...contents.map((one) => this.#normalize(one))];
    const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length);
    const pattern = new RegExp(longestFirst.map(escapePattern).join("|") || "(?!)", "gu");
    const found = (text: string) => text.match(pattern)?.join("\0") ?? "";
    return normalized === rendered ? found(rendered) : `${found(rendered)}\0\0${found(normalized)}`;
  }
}
