/** Pieces of EBNF text in XGrammar's notation. */

/** Inclusive ranges of code points, ascending, without overlaps. */
export type Ranges = readonly (readonly [number, number])[];

export const MAX_CODE_POINT = 0x10ffff;

/** Characters of each end of a message that is too long. */
const MESSAGE_END = 300;

/**
 * A format that cannot be followed. The message says which part, and leaves out the middle of long names and patterns.
 */
export class FormatError extends Error {
  constructor(message: string) {
    const isLong = message.length > 2 * MESSAGE_END;
    super(isLong ? `${message.slice(0, MESSAGE_END)} ... ${message.slice(-MESSAGE_END)}` : message);
  }
}

/** A literal; that of "" counts as nothing in a `sequence`. */
export function literal(text: string): string {
  return `"${Array.from(text, (character) => escaped(character.codePointAt(0)!)).join("")}"`;
}

/** One character of these ranges. Throws FormatError for none. */
export function characterClass(ranges: Ranges): string {
  const real = withoutSurrogates(ranges);
  const ascii = subtract(real, [[0x80, MAX_CODE_POINT]]);
  const wide = subtract(real, [[0, 0x7f]]);
  const one = ascii.map(([first, last]) => (first === last ? escaped(first) : `${escaped(first)}-${escaped(last)}`));
  return either([...(one.length > 0 ? [`[${one.join("")}]`] : []), ...wide.flatMap(byteSequences)]);
}

/** Last code point of each length in UTF-8. */
const LAST_OF_LENGTH = [0x7f, 0x7ff, 0xffff, MAX_CODE_POINT];

/**
 * Characters beyond ASCII as sequences of bytes. XGrammar 0.1.27 takes classes for bytes where they are not negated, and
 * lets through text that is no UTF-8 where they are.
 */
function byteSequences([first, last]: readonly [number, number]): string[] {
  const end = LAST_OF_LENGTH.find((most) => first <= most)!;
  if (last > end) return [...byteSequences([first, end]), ...byteSequences([end + 1, last])];
  for (const bits of [6, 12, 18]) {
    const low = 2 ** bits - 1;
    if (first >> bits === last >> bits) continue;
    if ((first & low) !== 0)
      return [...byteSequences([first, first | low]), ...byteSequences([(first | low) + 1, last])];
    const begin = last - (last & low);
    if ((last & low) !== low) return [...byteSequences([first, begin - 1]), ...byteSequences([begin, last])];
  }
  const [from, to] = [first, last].map((point) => new TextEncoder().encode(String.fromCodePoint(point)));
  return [sequence(Array.from(from!, (byte, i) => byteClass(byte, to![i]!)))];
}

/** A byte from a range, [from, to]. */
export function byteClass(from: number, to: number): string {
  // A class of one byte would become the character of that number; of the same one twice, it stays a byte.
  return from === to ? `[${escaped(from)}${escaped(from)}]` : `[${escaped(from)}-${escaped(to)}]`;
}

/** Alternatives, in parentheses. */
export function either(alternatives: readonly string[]): string {
  if (alternatives.length === 0) throw new FormatError("nothing can satisfy it, such as a class without characters");
  return alternatives.length === 1 ? alternatives[0]! : `(${alternatives.join(" | ")})`;
}

/** One thing after another, in parentheses. */
export function sequence(parts: readonly string[]): string {
  const written = parts.filter((part) => part !== '""');
  return written.length === 0 ? '""' : written.length === 1 ? written[0]! : `(${written.join(" ")})`;
}

/** Most repetitions that a grammar spells out. */
const MAX_REPEAT = 2000;

/** @param most Infinity is no limit */
export function repeat(part: string, least: number, most: number): string {
  if (least > MAX_REPEAT || (most > MAX_REPEAT && Number.isFinite(most)))
    throw new FormatError(`a repetition of ${least} to ${most}: at most ${MAX_REPEAT} can be followed`);
  if (most < least)
    throw new FormatError(`a repetition of at least ${least} and at most ${most}: nothing can satisfy it`);
  if (most === 0) return '""';
  if (least === 1 && most === 1) return part;
  if (least === 0 && most === Number.POSITIVE_INFINITY) return `(${part})*`;
  return `(${part}){${least},${Number.isFinite(most) ? most : ""}}`;
}

/** The set without `others`. */
export function subtract(ranges: Ranges, others: Ranges): Ranges {
  let left = [...ranges];
  for (const [from, to] of others)
    left = left.flatMap(([first, last]) => {
      if (to < first || from > last) return [[first, last] as const];
      const parts: (readonly [number, number])[] = [];
      if (first < from) parts.push([first, from - 1]);
      if (to < last) parts.push([to + 1, last]);
      return parts;
    });
  return left;
}

/** Sorted and without overlaps. */
export function union(ranges: Ranges): Ranges {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

/** All code points that are not in the ranges. */
export function complement(ranges: Ranges): Ranges {
  return subtract([[0, MAX_CODE_POINT]], ranges);
}

/** UTF-8 has no surrogates of UTF-16. */
function withoutSurrogates(ranges: Ranges): Ranges {
  return subtract(union(ranges), [[0xd800, 0xdfff]]);
}

function escaped(point: number): string {
  const character = String.fromCodePoint(point);
  if (/^[A-Za-z0-9]$/.test(character)) return character;
  const digits = point.toString(16);
  return point > 0xffff ? `\\U${digits.padStart(8, "0")}` : `\\u${digits.padStart(4, "0")}`;
}
