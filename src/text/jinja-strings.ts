/**
 * Python's string methods. Those of @huggingface/jinja 0.5.11 ignore arguments ("strip('x')"), count UTF-16 code units,
 * and are fewer.
 */
import { type Charge, isList, isString, itemsOf, lengthOf, make, NONE, type Value } from "./jinja-values.ts";

type Method = (text: string, args: readonly Value[], charge: Charge) => Value;

/** Python's white space; JavaScript's includes the byte order mark and lacks U+001C to U+001F. */
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const WORD = new RegExp(`${SPACE.replace("[", "[^")}+`, "g");
const IS_SPACE = new RegExp(SPACE);

/** Python's `strip`: removes white space, or all characters of a set, from both ends. */
export function strip(text: string, set?: string, ends: "both" | "left" | "right" = "both"): string {
  const characters = Array.from(text);
  const drops = set === undefined ? (character: string) => IS_SPACE.test(character) : inSet(set);
  let from = 0;
  let to = characters.length;
  if (ends !== "right") while (from < to && drops(characters[from]!)) from++;
  if (ends !== "left") while (to > from && drops(characters[to - 1]!)) to--;
  return characters.slice(from, to).join("");
}

function inSet(set: string): (character: string) => boolean {
  const characters = new Set(set);
  return (character) => characters.has(character);
}

/** The first character in upper case, the others in lower case. */
export function capitalize(text: string): string {
  const [first = "", ...rest] = text;
  // A letter that becomes two, as in "ﬁsh" and "ß", becomes an upper-case and a lower-case letter.
  const [capital = "", ...tail] = first.toUpperCase();
  return capital + tail.join("").toLowerCase() + rest.join("").toLowerCase();
}

/** Python's method `title`: every letter after a character that is no letter begins a word. The filter has its own. */
function title(text: string): string {
  return text.replace(/\p{L}+/gu, capitalize);
}

/** jinja2's filter `title`: words begin after white space, hyphens and opening brackets only. */
export function titleFilter(text: string): string {
  return text.replace(/[^-\s({[<]+/gu, (word) => {
    const [first = "", ...rest] = word;
    return first.toUpperCase() + rest.join("").toLowerCase();
  });
}

/** Python's `replace`, at most `count` times; an empty `old` is found before each character and at the end. */
export function replace(text: string, old: string, fresh: string, count: number, charge: Charge): string {
  const parts = old === "" ? ["", ...Array.from(text), ""] : text.split(old);
  const limit = count < 0 ? parts.length - 1 : Math.min(count, parts.length - 1);
  charge((limit * fresh.length) / 256 + parts.length / 16);
  const kept = parts.slice(limit);
  const tail = kept.join(old);
  return [...parts.slice(0, limit), tail].join(fresh);
}

/** @param limit the largest number of cuts; negative for no limit */
function split(text: string, separator: string | undefined, limit: number): string[] {
  if (separator === "") throw new Error("empty separator");
  if (separator !== undefined) {
    const parts = text.split(separator);
    if (limit < 0 || parts.length <= limit + 1) return parts;
    return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
  }
  const words: string[] = [];
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (limit >= 0 && words.length === limit) return [...words, strip(text.slice(index), undefined, "right")];
    words.push(word);
  }
  return words;
}

/** Cuts from the right. */
function rsplit(text: string, separator: string | undefined, limit: number): string[] {
  if (limit < 0) return split(text, separator, limit);
  if (separator === undefined) throw new Error("rsplit() with a limit needs a separator");
  const parts = split(text, separator, -1);
  const first = Math.max(0, parts.length - limit - 1);
  return [parts.slice(0, first + 1).join(separator), ...parts.slice(first + 1)];
}

function textOf(value: Value | undefined, name: string): string {
  if (value === undefined || !isString(value)) throw new Error(`${name}() needs a string`);
  return value.value;
}

/** A text that may be absent or none. */
function optionalText(value: Value | undefined, name: string): string | undefined {
  return value === undefined || value.type === "NullValue" ? undefined : textOf(value, name);
}

function limitOf(value: Value | undefined): number {
  return value === undefined ? -1 : (value.value as number);
}

function strings(parts: readonly string[]): Value {
  return make.list(parts.map(make.string));
}

function affix(name: "startsWith" | "endsWith"): Method {
  return (text, [affixes, start]) => {
    if (start) throw new Error(`${name.toLowerCase()}() with a start is not supported`);
    const list = affixes && isList(affixes) ? affixes.value : [affixes];
    return make.boolean(list.some((one) => text[name](textOf(one, name.toLowerCase()))));
  };
}

/** Counts in code points, as Python does. */
function found(text: string, index: number): Value {
  return make.integer(index < 0 ? index : Array.from(text.slice(0, index)).length);
}

/** True if the text has characters, and all of them match. */
function every(pattern: RegExp): Method {
  return (text) => make.boolean(pattern.test(text));
}

/** True if the text has letters, and all of them are of this case. */
function allOf(change: (text: string) => string, other: (text: string) => string): Method {
  return (text) => make.boolean(change(text) === text && other(text) !== text);
}

const lower = (text: string) => text.toLowerCase();
const upper = (text: string) => text.toUpperCase();

export const STRING_METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["upper", (text) => make.string(upper(text))],
  ["lower", (text) => make.string(lower(text))],
  ["title", (text) => make.string(title(text))],
  ["capitalize", (text) => make.string(capitalize(text))],
  ["strip", (text, [set]) => make.string(strip(text, optionalText(set, "strip")))],
  ["lstrip", (text, [set]) => make.string(strip(text, optionalText(set, "lstrip"), "left"))],
  ["rstrip", (text, [set]) => make.string(strip(text, optionalText(set, "rstrip"), "right"))],
  ["startswith", affix("startsWith")],
  ["endswith", affix("endsWith")],
  ["split", (text, [by, limit]) => strings(split(text, optionalText(by, "split"), limitOf(limit)))],
  ["rsplit", (text, [by, limit]) => strings(rsplit(text, optionalText(by, "rsplit"), limitOf(limit)))],
  [
    "splitlines",
    (text) =>
      strings(text.match(/[^\n\r]+(?:\r\n|\n|\r|$)|\r\n|\n|\r/g)?.map((line) => line.replace(/[\r\n]+$/, "")) ?? []),
  ],
  [
    "partition",
    (text, [by]) => {
      const separator = textOf(by, "partition");
      const at = text.indexOf(separator);
      const parts = at < 0 ? [text, "", ""] : [text.slice(0, at), separator, text.slice(at + separator.length)];
      return make.tuple(parts.map(make.string));
    },
  ],
  [
    "rpartition",
    (text, [by]) => {
      const separator = textOf(by, "rpartition");
      const at = text.lastIndexOf(separator);
      const parts = at < 0 ? ["", "", text] : [text.slice(0, at), separator, text.slice(at + separator.length)];
      return make.tuple(parts.map(make.string));
    },
  ],
  [
    "replace",
    (text, [old, fresh, count], charge) =>
      make.string(replace(text, textOf(old, "replace"), textOf(fresh, "replace"), limitOf(count), charge)),
  ],
  [
    "join",
    (text, [list], charge) => {
      const items = itemsOf(list ?? NONE).map((item) => textOf(item, "join"));
      charge(lengthOf(items, "") / 256);
      charge((items.length * (1 + text.length)) / 16);
      return make.string(items.join(text));
    },
  ],
  ["find", (text, [part]) => found(text, text.indexOf(textOf(part, "find")))],
  ["rfind", (text, [part]) => found(text, text.lastIndexOf(textOf(part, "rfind")))],
  [
    "index",
    (text, [part]) => {
      const at = text.indexOf(textOf(part, "index"));
      if (at < 0) throw new Error("substring not found");
      return found(text, at);
    },
  ],
  [
    "count",
    (text, [part]) => {
      const sought = textOf(part, "count");
      return make.integer(sought === "" ? Array.from(text).length + 1 : text.split(sought).length - 1);
    },
  ],
  ["removeprefix", (text, [part]) => make.string(removed(text, textOf(part, "removeprefix"), "startsWith"))],
  ["removesuffix", (text, [part]) => make.string(removed(text, textOf(part, "removesuffix"), "endsWith"))],
  ["isdigit", every(/^[\p{Nd}\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089]+$/u)],
  ["isnumeric", every(/^\p{N}+$/u)],
  ["isalpha", every(/^\p{L}+$/u)],
  ["isalnum", every(/^[\p{L}\p{N}]+$/u)],
  ["isspace", every(new RegExp(`^${SPACE}+$`))],
  ["isupper", allOf(upper, lower)],
  ["islower", allOf(lower, upper)],
]);

function removed(text: string, part: string, where: "startsWith" | "endsWith"): string {
  if (part === "" || !text[where](part)) return text;
  return where === "startsWith" ? text.slice(part.length) : text.slice(0, -part.length);
}
