/**
 * Markdown to tokens, for untrusted text: HTML stays text, and the work is bounded. The library takes quadratic time
 * and more for texts such as "*a_*a_*a_", so each attempt that may read to the text's end is counted.
 */
import { Lexer, Tokenizer, type Tokens, type TokensList } from "marked";

/** Longer texts are shown as plain text. */
const MAX_LENGTH = 20_000;
const MAX_LINES = 3000;
/** Within a line, some of marked's expressions read on to its end from each character. */
const MAX_LINE = 4000;
/** Deeper nesting of quotes and lists than prose has; marked recurses into each of them. */
const ABSURD_NESTING = /(?:(?:>|[*+-][ \t]|\d{1,9}[.)][ \t])[ \t]{0,9}){24}/;

/**
 * Work for one text, in characters read. A document of 20 kB takes less than a tenth of it, the worst text about 0.1 s.
 */
const MAX_WORK = 10_000_000;
/** An attempt to close an emphasis matches an expression at each delimiter on its way. */
const WORK_OF_EMPHASIS = 10;
/** Creating the tokens of a table's cell. */
const WORK_OF_CELL = 500;
/** Creating the expressions for a list's item, for each line of the list. */
const WORK_OF_LIST_LINE = 5000;

class TooMuchWork extends Error {}

/** HTML is text, except for the line break: the only way to have two lines in a table cell. */
class BoundedTokenizer extends Tokenizer {
  #work = 0;

  #count(work: number): void {
    this.#work += work;
    if (this.#work > MAX_WORK) throw new TooMuchWork();
  }

  /** Counts the length of a result, and the whole rest of the text for a failed attempt. */
  #counted<T extends { raw: string }>(source: string, token: T | undefined, work = 1): T | undefined {
    this.#count((token?.raw ?? source).length * work);
    return token;
  }

  override html(): undefined {}

  override tag(source: string): Tokens.Tag | undefined {
    const raw = /^<br\s{0,9}\/?>/i.exec(source)?.[0];
    // marked's type has no line break here, only tags.
    return raw === undefined ? undefined : ({ type: "br", raw } as unknown as Tokens.Tag);
  }

  /** The first attempt for each block. */
  override space(source: string): Tokens.Space | undefined {
    return this.#counted(source, super.space(source));
  }

  override list(source: string): Tokens.List | undefined {
    if (!/^ {0,3}(?:[*+-]|\d{1,9}[.)])/.test(source)) return undefined;
    this.#count(source.length);
    const list = super.list(source);
    if (list) this.#count(list.raw.split("\n").length * WORK_OF_LIST_LINE);
    return list;
  }

  override table(source: string): Tokens.Table | undefined {
    // Each row gets as many cells as the head has.
    const [head, , ...rows] = source.split("\n", MAX_LINES);
    const last = rows.findIndex((row) => row.trim() === "");
    const cells = head!.split("|").length * (last < 0 ? rows.length : last);
    const delimiters = /^[^\n]*\n[ |:-]+(?:\n|$)/.test(source);
    if (delimiters) this.#count(cells * WORK_OF_CELL);
    return super.table(source);
  }

  override emStrong(source: string, masked: string, before?: string): Tokens.Em | Tokens.Strong | undefined {
    if (!/^[*_]/.test(source)) return undefined;
    return this.#counted(source, super.emStrong(source, masked, before), WORK_OF_EMPHASIS);
  }

  override del(source: string, masked: string, before?: string): Tokens.Del | undefined {
    if (!source.startsWith("~")) return undefined;
    return this.#counted(source, super.del(source, masked, before), WORK_OF_EMPHASIS);
  }

  override codespan(source: string): Tokens.Codespan | undefined {
    return source.startsWith("`") ? this.#counted(source, super.codespan(source)) : undefined;
  }

  override link(source: string): Tokens.Link | Tokens.Image | undefined {
    return /^!?\[/.test(source) ? this.#counted(source, super.link(source)) : undefined;
  }

  override reflink(...given: Parameters<Tokenizer["reflink"]>): Tokens.Link | Tokens.Image | Tokens.Text | undefined {
    return /^!?\[/.test(given[0]) ? this.#counted(given[0], super.reflink(...given)) : undefined;
  }

  override autolink(source: string): Tokens.Link | undefined {
    return source.startsWith("<") ? this.#counted(source, super.autolink(source)) : undefined;
  }
}

/** Tokens of a text; undefined for a text that must stay plain. */
export function lexMarkdown(text: string): TokensList | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const lines = text.split("\n");
  if (lines.length > MAX_LINES || lines.some((line) => line.length > MAX_LINE || ABSURD_NESTING.test(line)))
    return undefined;
  try {
    // Own options, because the page may have configured marked for trusted text. Newlines break lines, as in a chat.
    return Lexer.lex(text, { gfm: true, breaks: true, tokenizer: new BoundedTokenizer() });
  } catch {
    // Too much work, or the parser failed.
    return undefined;
  }
}
