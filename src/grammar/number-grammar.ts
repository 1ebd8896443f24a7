/** Numbers of JSON between bounds, as EBNF. */
import { either, FormatError, literal, sequence } from "./ebnf.ts";

/** Digits of a number, so that every number is finite, and an answer cannot be digits only. */
const DIGITS = "[0-9]{0,15}";
export const INTEGER = `("0" | "\\u002d"? [1-9] ${DIGITS})`;
export const NUMBER = `("\\u002d"? ("0" | [1-9] ${DIGITS}) ("\\u002e" [0-9]{1,15})? ([eE] [\\u002b\\u002d]? [0-9]{1,2})?)`;

export interface Bounds {
  /** Undefined for no bound. */
  min: number | undefined;
  max: number | undefined;
  /** True if the bound itself is excluded. */
  aboveMin: boolean;
  belowMax: boolean;
}

/** End of integers without a bound. */
const FAR = 1e15;
/** Where decimals end: beyond, six of them would be rounded to an integer, perhaps to an excluded bound. */
const FAR_DECIMAL = 1e9;

/** @throws FormatError if there is no such integer */
export function integerGrammar(bounds: Bounds): string {
  if (bounds.min === undefined && bounds.max === undefined) return INTEGER;
  checkNear(bounds);
  const [least, most] = integersIn(bounds);
  if (least > most) throw new FormatError(`nothing can satisfy it: no integer lies in ${shown(bounds)}`);
  return signed([{ least, most, decimals: false }]);
}

/**
 * A finite part of the numbers: integers, and numbers of up to six decimals between them. @throws FormatError for none
 */
export function numberGrammar(bounds: Bounds): string {
  if (bounds.min === undefined && bounds.max === undefined) return NUMBER;
  checkNear(bounds);
  const [min, max] = [Math.max(bounds.min ?? -FAR, -FAR), Math.min(bounds.max ?? FAR, FAR)];
  const [least, most] = integersIn(bounds);
  const spans: Span[] = least <= most ? [{ least, most, decimals: false }] : [];
  const above = {
    least: Math.max(0, Math.ceil(min)),
    most: Math.min(Math.floor(max) - 1, FAR_DECIMAL),
    decimals: true,
  };
  const below = {
    least: Math.max(Math.ceil(min) + 1, -FAR_DECIMAL),
    most: Math.min(0, Math.floor(max)),
    decimals: true,
  };
  // Of decimals the span is of the integer before the point: -0.5 lies before -0.
  const [positive, negative] = [[...spans], [...spans]];
  if (above.least <= above.most) positive.push(above);
  if (below.least <= below.most) negative.push(below);
  if (positive.length + negative.length > 0) return signed(positive, negative);
  const isExact = (places: number) => Math.max(Math.abs(min), Math.abs(max)) * 10 ** places < Number.MAX_SAFE_INTEGER;
  for (let places = 1; places <= 12 && isExact(places); places++) {
    const few = fewBetween(bounds, places);
    if (few.length > 0) return either(few);
  }
  throw new FormatError(`nothing can satisfy it: no number of twelve decimals lies in ${shown(bounds)}`);
}

/** Bounds without numbers between -1e15 and 1e15 are valid, but are not followed. */
function checkNear(bounds: Bounds): void {
  const { min = -FAR, max = FAR } = bounds;
  if (min <= max && (min > FAR || max < -FAR))
    throw new FormatError(`numbers beyond ${FAR.toExponential()} cannot be followed: ${shown(bounds)}`);
}

/** Numbers of this many decimals, of which there are few: with one less there were none. */
function fewBetween(bounds: Bounds, places: number): string[] {
  const scale = 10 ** places;
  const isIn = (value: number) =>
    (bounds.aboveMin ? value > bounds.min! : value >= bounds.min!) &&
    (bounds.belowMax ? value < bounds.max! : value <= bounds.max!);
  const texts: string[] = [];
  for (let k = Math.floor(bounds.min! * scale); k <= Math.ceil(bounds.max! * scale) && texts.length < 40; k++) {
    const text = (k / scale).toFixed(places);
    if (isIn(Number(text))) texts.push(literal(text));
  }
  return texts;
}

function integersIn({ min = -FAR, max = FAR, aboveMin, belowMax }: Bounds): [number, number] {
  const least = aboveMin && Number.isInteger(min) ? min + 1 : Math.ceil(min);
  const most = belowMax && Number.isInteger(max) ? max - 1 : Math.floor(max);
  return [Math.max(least, -FAR), Math.min(most, FAR)];
}

/** Integers, or those before the point of decimals. */
interface Span {
  least: number;
  most: number;
  decimals: boolean;
}

/** The last digit is not 0, so that none of them is an integer. */
const DECIMALS = '"\\u002e" [0-9]{0,5} [1-9]';

/** @param negative spans of numbers with a minus: -0 is their largest */
function signed(positive: readonly Span[], negative: readonly Span[] = positive): string {
  const parts: string[] = [];
  const without = positive.filter(({ most }) => most >= 0).map((span) => ({ ...span, least: Math.max(0, span.least) }));
  if (without.length > 0) parts.push(digits(without));
  const withMinus = negative
    // The integer -0 is left to the numbers without a minus.
    .map(({ least, most, decimals }) => ({ least: decimals ? -most : Math.max(1, -most), most: -least, decimals }))
    .filter(({ least, most }) => least <= most);
  if (withMinus.length > 0) parts.push(sequence(['"\\u002d"', digits(withMinus)]));
  return either(parts);
}

/** Numbers from `low` to `high`, which have equally many digits. */
interface Digits {
  low: string;
  high: string;
  decimals: boolean;
}

function digits(spans: readonly Span[]): string {
  const ranges = spans.flatMap(({ least, most, decimals }) => {
    const [low, high] = [String(Math.abs(least)), String(most)];
    return Array.from({ length: high.length - low.length + 1 }, (_, i): Digits => {
      const length = low.length + i;
      const from = i === 0 ? low : `1${"0".repeat(length - 1)}`;
      return { low: from, high: length === high.length ? high : "9".repeat(length), decimals };
    });
  });
  return rest(ranges);
}

/**
 * The digits that may follow, each once, so that nothing is ambiguous. The library's automata of many overlapping
 * alternatives accept other numbers, too (0.1.27).
 */
function rest(ranges: readonly Digits[]): string {
  const ended = ranges.filter(({ low }) => low === "");
  const longer = ranges.filter(({ low }) => low !== "");
  const parts: string[] = [];
  for (let digit = 0, from = 0; digit < 10; digit++) {
    const key = JSON.stringify(after(longer, digit));
    if (digit < 9 && key === JSON.stringify(after(longer, digit + 1))) continue;
    if (key !== "[]")
      parts.push(sequence([from === digit ? `"${digit}"` : `[${from}-${digit}]`, rest(after(longer, digit))]));
    from = digit + 1;
  }
  if (ended.some(({ decimals }) => decimals)) parts.push(sequence([DECIMALS]));
  if (parts.length === 0) return '""';
  return ended.some(({ decimals }) => !decimals) ? `(${either(parts)})?` : either(parts);
}

/** The ranges of numbers that go on with this digit, without it. */
function after(ranges: readonly Digits[], digit: number): Digits[] {
  return ranges.flatMap(({ low, high, decimals }) => {
    const [first, last] = [Number(low[0]), Number(high[0])];
    if (digit < first || digit > last) return [];
    const length = low.length - 1;
    const from = digit === first ? low.slice(1) : "0".repeat(length);
    return [{ low: from, high: digit === last ? high.slice(1) : "9".repeat(length), decimals }];
  });
}

function shown({ min, max, aboveMin, belowMax }: Bounds): string {
  return `${aboveMin ? "(" : "["}${min ?? "-∞"}, ${max ?? "∞"}${belowMax ? ")" : "]"}`;
}
