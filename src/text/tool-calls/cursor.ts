/** Reads the notations of calls from text that may end anywhere. */

class Unfinished extends Error {}

/** The text ends too early. One for all: it is thrown for nearly every token of a call, and a stack costs microseconds. */
export const UNFINISHED = new Unfinished();

/** The text can never become a call. */
export class Broken extends Error {}

/** Readers recurse; values in use are less deep. */
const MAX_DEPTH = 64;
const SHOWN = 24;

/** A position in a text. Readers throw Unfinished at its end, and Broken for text of another form. */
export class Cursor {
  readonly text: string;
  at: number;

  constructor(text: string, at = 0) {
    this.text = text;
    this.at = at;
  }

  space(): void {
    while (this.at < this.text.length && /\s/.test(this.text[this.at]!)) this.at++;
  }

  /** The next character. Throws Unfinished at the end. */
  peek(): string {
    const character = this.text[this.at];
    if (character === undefined) throw UNFINISHED;
    return character;
  }

  /** True if this text comes next, which is then consumed. Throws Unfinished if the input ends within it. */
  has(expected: string): boolean {
    if (this.text.startsWith(expected, this.at)) {
      this.at += expected.length;
      return true;
    }
    if (expected.startsWith(this.text.slice(this.at))) throw UNFINISHED;
    return false;
  }

  /** Throws Broken for another text. */
  take(expected: string): void {
    if (!this.has(expected)) this.fail(JSON.stringify(expected));
  }

  /** Text up to a character of a class. Throws Unfinished if none follows. */
  until(delimiters: RegExp): string {
    const rest = this.text.slice(this.at);
    const length = rest.search(delimiters);
    if (length < 0) throw UNFINISHED;
    this.at += length;
    return rest.slice(0, length);
  }

  fail(expected: string): never {
    const found = JSON.stringify(this.text.slice(this.at, this.at + SHOWN));
    throw new Broken(`expected ${expected} at character ${this.at}, got ${found}`);
  }
}

/** The notation of values. */
export interface Notation {
  quotes: readonly string[];
  words: ReadonlyMap<string, boolean | null>;
  /** A mark around raw strings. */
  rawMark?: string;
  /** Names of an object's members may lack quotes. */
  hasBareNames?: boolean;
  /** "(1, 2)" is a list. */
  hasTuples?: boolean;
}

const JSON_WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

export const JSON_NOTATION: Notation = { quotes: ['"'], words: new Map<string, boolean | null>(JSON_WORDS) };

export const PYTHON: Notation = {
  quotes: ['"', "'"],
  words: new Map<string, boolean | null>([...JSON_WORDS, ["True", true], ["False", false], ["None", null]]),
  hasTuples: true,
};

/** A value. Throws Unfinished or Broken. */
export function readValue(cursor: Cursor, notation: Notation, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new Broken(`it nests more than ${MAX_DEPTH} levels deep`);
  cursor.space();
  const character = cursor.peek();
  if (notation.rawMark?.startsWith(character)) return readRaw(cursor, notation.rawMark);
  if (notation.quotes.includes(character)) return readString(cursor);
  if (character === "{") return Object.fromEntries(readMembers(cursor, notation, depth));
  if (character === "[") return readList(cursor, notation, "]", depth);
  if (character === "(" && notation.hasTuples) return readList(cursor, notation, ")", depth);
  return readWord(cursor, notation);
}

function readRaw(cursor: Cursor, mark: string): string {
  cursor.take(mark);
  const end = cursor.text.indexOf(mark, cursor.at);
  if (end < 0) throw UNFINISHED;
  const text = cursor.text.slice(cursor.at, end);
  cursor.at = end + mark.length;
  return text;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "0": "\0", "\n": "" };

/** A string in quotes, with the escapes of JSON and Python. */
export function readString(cursor: Cursor): string {
  const quote = cursor.peek();
  let text = "";
  for (cursor.at++; ; cursor.at++) {
    text += cursor.until(quote === '"' ? /["\\]/ : /['\\]/);
    if (cursor.peek() === quote) break;
    cursor.at++;
    const kind = cursor.peek();
    const digits = kind === "u" ? 4 : kind === "x" ? 2 : kind === "U" ? 8 : 0;
    if (digits === 0) {
      text += ESCAPES[kind] ?? kind;
      continue;
    }
    const hex = cursor.text.slice(cursor.at + 1, cursor.at + 1 + digits);
    if (!/^[0-9a-f]*$/i.test(hex)) cursor.fail(`${digits} hexadecimal digits`);
    if (hex.length < digits) throw UNFINISHED;
    const point = Number.parseInt(hex, 16);
    if (point > 0x10ffff) cursor.fail("a character");
    text += kind === "U" ? String.fromCodePoint(point) : String.fromCharCode(point);
    cursor.at += digits;
  }
  cursor.at++;
  return text;
}

function readList(cursor: Cursor, notation: Notation, close: string, depth: number): unknown[] {
  cursor.at++;
  const items: unknown[] = [];
  for (cursor.space(); !cursor.has(close); cursor.space()) {
    if (items.length > 0) cursor.take(",");
    cursor.space();
    // Python allows a comma before the end.
    if (notation.hasTuples && items.length > 0 && cursor.has(close)) break;
    items.push(readValue(cursor, notation, depth + 1));
  }
  return items;
}

/** The members of an object, in order. */
function readMembers(cursor: Cursor, notation: Notation, depth: number): [string, unknown][] {
  cursor.take("{");
  const members: [string, unknown][] = [];
  for (cursor.space(); !cursor.has("}"); cursor.space()) {
    if (members.length > 0) cursor.take(",");
    cursor.space();
    const name = readName(cursor, notation);
    cursor.space();
    cursor.take(":");
    members.push([name, readValue(cursor, notation, depth + 1)]);
  }
  return members;
}

/** Reads the name of a member: quoted, raw or bare, as the notation allows. Throws as `Cursor`. */
export function readName(cursor: Cursor, notation: Notation): string {
  if (notation.rawMark?.startsWith(cursor.peek())) return readRaw(cursor, notation.rawMark);
  if (notation.quotes.includes(cursor.peek())) return readString(cursor);
  if (!notation.hasBareNames) cursor.fail("a name in quotes");
  const name = cursor.until(/[:\s{},]/);
  if (name === "") cursor.fail("a name");
  return name;
}

/** A number, true, false or null. */
function readWord(cursor: Cursor, { words }: Notation): unknown {
  const start = cursor.at;
  const word = cursor.until(/[\s,:\]}){[("]/);
  if (words.has(word)) return words.get(word);
  if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(word)) return Number(word);
  cursor.at = start;
  return cursor.fail("a value");
}
