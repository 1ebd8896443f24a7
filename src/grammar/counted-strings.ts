/**
 * Strings with bounds on their length, counted beside the grammar. The library checks nearly every token anew at each
 * step of a bounded repetition: 40 ms a token for 20 characters, 300 ms for 400, at a vocabulary of 50,000. The grammar
 * therefore writes the string without bounds and ends it with a mark, a token that no vocabulary has. A mask that
 * allows the mark shows that the answer is inside the string; `LengthFilter` then removes the tokens that would break
 * its bounds.
 */
import { byteClass, sequence } from "./ebnf.ts";
import type { GrammarVocabulary } from "./protocol.ts";

/** Different bounds in one grammar. */
export const MAX_BOUNDS = 64;
/** No character of UTF-8 contains it. */
export const MARK_BYTE = 0xff;

/** Lengths in characters, inclusive; `most` may be Infinity. */
export interface LengthBounds {
  readonly least: number;
  readonly most: number;
}

/** Bytes of the mark of bounds i. */
export function markOf(i: number): Uint8Array {
  return Uint8Array.of(MARK_BYTE, i);
}

/** The bounds of one grammar, and the rules of its counted strings. */
export class CountedStrings {
  readonly bounds: LengthBounds[] = [];
  readonly rules: string[] = [];

  /** The rule of a string of so many characters; undefined where there are too many different bounds. */
  ruleFor(least: number, most: number): string | undefined {
    const known = this.bounds.findIndex((one) => one.least === least && one.most === most);
    const i = known < 0 ? this.bounds.length : known;
    if (i >= MAX_BOUNDS) return undefined;
    if (known < 0) {
      this.bounds.push({ least, most });
      const mark = Array.from(markOf(i), (byte) => byteClass(byte, byte));
      this.rules.push(
        `counted-${i} ::= "\\u0022" counted-rest-${i}`,
        `counted-rest-${i} ::= "\\u0022" | json-character counted-rest-${i} | ${sequence(mark)}`,
      );
    }
    return `counted-${i}`;
  }

  /** True if a string can satisfy all bounds at once, so that it does not matter which of them a string is under. */
  get agree(): boolean {
    const { least, most } = strictest(this.bounds);
    return least <= most;
  }
}

function strictest(bounds: readonly LengthBounds[]): LengthBounds {
  return {
    least: Math.max(0, ...bounds.map(({ least }) => least)),
    most: Math.min(...bounds.map(({ most }) => most)),
  };
}

const [QUOTE, BACKSLASH, U] = [0x22, 0x5c, 0x75];

/** An answer's position relative to the strings of its JSON. */
interface Place {
  isInside: boolean;
  /** Characters of the string so far; one that is begun counts. */
  count: number;
  /** Bytes that an escape still needs; 5 where a "u" would need four more. */
  escaped: number;
  /** Bytes that a character of UTF-8 still needs. */
  partial: number;
}

const OUTSIDE: Place = { isInside: false, count: 0, escaped: 0, partial: 0 };

/**
 * Advances over some bytes. @param onEnd called with the length of each string that ends; `isFirst` if it began before
 */
function follow(place: Place, bytes: Uint8Array, onEnd: (length: number, isFirst: boolean) => void): Place {
  let { isInside, count, escaped, partial } = place;
  let isFirst = isInside;
  for (const byte of bytes) {
    if (!isInside) {
      if (byte === QUOTE) [isInside, count] = [true, 0];
    } else if (escaped > 0) {
      escaped = escaped < 5 ? escaped - 1 : byte === U ? 4 : 0;
    } else if (byte === QUOTE) {
      onEnd(count, isFirst);
      [isInside, isFirst] = [false, false];
    } else if ((byte & 0xc0) === 0x80) partial = Math.max(0, partial - 1);
    else {
      if (byte === BACKSLASH) escaped = 5;
      partial = byte < 0xc0 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      count++;
    }
  }
  return { isInside, count, escaped, partial };
}

/** Tokens of a vocabulary as parts of strings; made once. */
export class TokenLengths {
  readonly #bytes: Uint8Array;
  readonly #starts: Uint32Array;
  /** Of each token inside a string: characters before its end, or before the token's. */
  readonly characters: Uint16Array;
  /** True if it ends the string. */
  readonly ends: Uint8Array;
  readonly longest: number;
  /** Tokens with a quote. */
  readonly quotes: readonly number[];

  constructor({ bytes, lengths }: GrammarVocabulary) {
    const quotes: number[] = [];
    this.#bytes = bytes;
    this.#starts = new Uint32Array(lengths.length + 1);
    this.characters = new Uint16Array(lengths.length);
    this.ends = new Uint8Array(lengths.length);
    for (let id = 0; id < lengths.length; id++) {
      this.#starts[id + 1] = this.#starts[id]! + lengths[id]!;
      const token = this.of(id);
      if (token.includes(QUOTE)) quotes.push(id);
      let first: number | undefined;
      const { count } = follow({ ...OUTSIDE, isInside: true }, token, (length, isFirst) => {
        if (isFirst) first = length;
      });
      this.characters[id] = Math.min(first ?? count, 0xffff);
      this.ends[id] = first === undefined ? 0 : 1;
    }
    this.quotes = quotes;
    this.longest = this.characters.reduce((a, b) => Math.max(a, b), 0);
  }

  of(id: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[id], this.#starts[id + 1]);
  }
}

/** Takes tokens that break the bounds of strings out of the masks of one answer. */
export class LengthFilter {
  readonly #tokens: TokenLengths;
  readonly #bounds: readonly LengthBounds[];
  readonly #all: LengthBounds;
  /** Tokens that begin a string which some bounds forbid: from outside of a string, and from inside. */
  readonly #hasty: readonly [readonly number[], readonly number[]];
  #place = OUTSIDE;
  /** Bounds of the string that the answer is in, once a mask has shown them. */
  #marked: readonly LengthBounds[] = [];

  constructor(tokens: TokenLengths, bounds: readonly LengthBounds[]) {
    this.#tokens = tokens;
    this.#bounds = bounds;
    this.#all = strictest(bounds);
    const from = (isInside: boolean) =>
      tokens.quotes.filter((id) => this.#isHasty({ ...OUTSIDE, isInside }, tokens.of(id)));
    this.#hasty = [from(false), from(true)];
  }

  /** A new answer. */
  begin(): void {
    this.#place = OUTSIDE;
    this.#marked = [];
  }

  accept(id: number): void {
    if (!this.#place.isInside) this.#marked = [];
    this.#place = follow(this.#place, this.#tokens.of(id), () => {
      this.#marked = [];
    });
  }

  /**
   * @param mask changed; may lack bits of tokens already. @param isMarked true if the grammar allows the mark of bounds
   * i
   */
  apply(mask: Uint32Array, isMarked: (i: number) => boolean): void {
    const { isInside, count, escaped } = this.#place;
    for (const id of this.#hasty[isInside ? 1 : 0]) mask[id >> 5]! &= ~(1 << (id & 31));
    if (!isInside) return;
    // No mark within a character: the one before holds. Several: the schema leaves open which string this is, and the
    // answer follows the bounds of all.
    const marked = this.#bounds.filter((_, i) => isMarked(i));
    if (marked.length > 0) this.#marked = marked;
    if (this.#marked.length === 0) return;
    const { least, most } = strictest(this.#marked);
    const { characters, ends, longest } = this.#tokens;
    // The few steps within an escape read each token.
    if (escaped > 0) keep(mask, (id) => this.#fitsEscape(id, least, most));
    else if (count < least || count + longest > most)
      keep(mask, (id) => {
        const length = count + characters[id]!;
        return length <= most && (ends[id] === 0 || length >= least);
      });
  }

  #fitsEscape(id: number, least: number, most: number): boolean {
    const token = this.#tokens.of(id);
    let first: number | undefined;
    const { count } = follow(this.#place, token, (length, isFirst) => {
      if (isFirst) first = length;
    });
    if (this.#isHasty(this.#place, token)) return false;
    return first === undefined ? count <= most : first >= least && first <= most;
  }

  /**
   * True if a token begins a string, and breaks any bounds or ends within a character. No mask has shown yet which bounds
   * that string has. Shorter tokens can spell the same text.
   */
  #isHasty(place: Place, token: Uint8Array): boolean {
    const { least, most } = this.#all;
    let isHasty = false;
    let isFirst = place.isInside;
    const end = follow(place, token, (length, isOld) => {
      if (!isOld && (length < least || length > most)) isHasty = true;
      isFirst = false;
    });
    const isBegun = end.isInside && !isFirst;
    return isHasty || (isBegun && (end.count > most || end.escaped > 0 || end.partial > 0));
  }
}

/** Clears the bits whose token does not fit. */
function keep(mask: Uint32Array, fits: (id: number) => boolean): void {
  for (let word = 0; word < mask.length; word++) {
    let bits = mask[word]!;
    while (bits !== 0) {
      const bit = 31 - Math.clz32(bits & -bits);
      if (!fits(32 * word + bit)) mask[word]! &= ~(1 << bit);
      bits &= bits - 1;
    }
  }
}
