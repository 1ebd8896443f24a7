/** JavaScript's regular expressions as EBNF: the texts that they match as a whole. */
import type { AST } from "@eslint-community/regexpp";
import {
  characterClass,
  complement,
  either,
  FormatError,
  literal,
  MAX_CODE_POINT,
  type Ranges,
  repeat,
  sequence,
  subtract,
  union,
} from "./ebnf.ts";
import { parsePattern } from "./parse-pattern.ts";

/** Writes one character of a set: as itself, or as it is spelt inside a string of JSON. */
export type WriteCharacter = (ranges: Ranges, isOpen: boolean) => string;

/** For text outside of JSON. */
export const asItself: WriteCharacter = (ranges) => characterClass(ranges);

const UNSAFE: Ranges = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];

/** For strings of JSON: quotes, backslashes and control characters are escaped; open sets leave them out. */
export const inJsonString: WriteCharacter = (ranges, isOpen) => {
  const safe = subtract(union(ranges), UNSAFE);
  const unsafe = isOpen ? [] : pointsOf(subtract(union(ranges), complement(UNSAFE)));
  const spelt = unsafe.map((point) => literal(JSON.stringify(String.fromCodePoint(point)).slice(1, -1)));
  return either([...(safe.length > 0 ? [characterClass(safe)] : []), ...spelt]);
};

function pointsOf(ranges: Ranges): number[] {
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
}

/** Of a pattern: writing its grammar takes 4 s at 20,000 characters, and a fifth of that here. */
const MAX_CHARACTERS = 8192;

/** @throws FormatError for a damaged or long pattern, and for one that is not a regular language */
export function regexGrammar(pattern: string, write: WriteCharacter): string {
  if (pattern.length > MAX_CHARACTERS)
    throw new FormatError(`a pattern has ${pattern.length} characters; at most ${MAX_CHARACTERS}`);
  let parsed: AST.Pattern;
  try {
    parsed = parsePattern(pattern);
  } catch (error) {
    throw new FormatError(`the pattern ${JSON.stringify(pattern.slice(0, 80))}: ${(error as Error).message}`);
  }
  return alternativesOf(parsed.alternatives, write, { first: true, last: true });
}

/** True at the first and last place of the whole text, the only ones where an assertion can hold. */
interface Place {
  first: boolean;
  last: boolean;
}

function alternativesOf(alternatives: readonly AST.Alternative[], write: WriteCharacter, place: Place): string {
  return either(
    alternatives.map(({ elements }) =>
      sequence(
        elements.map((element, i) => {
          const first = place.first && elements.slice(0, i).every(isEdge);
          const last = place.last && elements.slice(i + 1).every(isEdge);
          return elementOf(element, write, { first, last });
        }),
      ),
    ),
  );
}

function isEdge({ type }: AST.Element): boolean {
  return type === "Assertion";
}

function elementOf(element: AST.Element, write: WriteCharacter, place: Place): string {
  switch (element.type) {
    case "Character":
      return write([[element.value, element.value]], false);
    case "CharacterSet":
      return write(setOf(element), isOpen(element));
    case "CharacterClass":
      return write(classOf(element), element.negate || element.elements.some((part) => isOpen(part)));
    case "Group":
    case "CapturingGroup":
      return alternativesOf(element.alternatives, write, place);
    case "Quantifier":
      if (element.element.type === "Assertion") throw unsupported("an assertion that repeats");
      // Copies of a group that holds ^ or $ would not be at the edge.
      return repeat(elementOf(element.element, write, { first: false, last: false }), element.min, element.max);
    case "Assertion":
      if (element.kind === "start" && place.first) return '""';
      if (element.kind === "end" && place.last) return '""';
      throw unsupported(`the assertion ${element.raw}`);
    default:
      throw unsupported(element.raw);
  }
}

function unsupported(part: string): FormatError {
  return new FormatError(`${part.slice(0, 80)} in a pattern cannot be followed`);
}

const DIGITS: Ranges = [[0x30, 0x39]];
const WORD: Ranges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const SPACES: Ranges = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: Ranges = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

/** Sets that are too wide to be spelt out. */
function isOpen(part: AST.Element | AST.CharacterClassElement): boolean {
  return part.type === "CharacterSet" && (part.kind === "any" || ("negate" in part && part.negate));
}

function setOf(set: AST.CharacterSet): Ranges {
  if (set.kind === "any") return complement(LINE_ENDS);
  if (set.kind === "property") throw unsupported(set.raw);
  const ranges = { digit: DIGITS, word: WORD, space: SPACES }[set.kind];
  return set.negate ? complement(ranges) : ranges;
}

function classOf({ elements, negate }: AST.CharacterClass): Ranges {
  const ranges = union(
    elements.flatMap((part): Ranges => {
      if (part.type === "Character") return [[part.value, part.value]];
      if (part.type === "CharacterClassRange") return [[part.min.value, Math.min(part.max.value, MAX_CODE_POINT)]];
      if (part.type === "CharacterSet") return setOf(part);
      throw unsupported(part.raw);
    }),
  );
  return negate ? complement(ranges) : ranges;
}
