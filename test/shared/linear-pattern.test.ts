/** The engine for untrusted patterns against JavaScript's own, on published and random patterns, and in linear time. */
import { describe, expect, it } from "vitest";
import { LinearPattern } from "../../src/shared/linear-pattern.ts";
import { freshRandom } from "../support/random.ts";

function found(source: string, text: string): [number, number][] {
  return Array.from(new LinearPattern(source).matches(text), ({ start, end }) => [start, end]);
}

function expected(source: string, text: string): [number, number][] {
  return Array.from(text.matchAll(new RegExp(source, "gu")), ({ index, 0: match }) => [index, index + match.length]);
}

function isTooLarge(source: string): boolean {
  try {
    new LinearPattern(source);
    return false;
  } catch (error) {
    return /more than 128 branches or 4096 steps/.test((error as Error).message);
  }
}

/** Of GPT-2, cl100k, o200k, DeepSeek and others, in JavaScript's syntax. */
const PUBLISHED = [
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "(?:'([sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD]))|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+('s|'t)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}]+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n\\/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[!\"#$%&'()*+,\\-.\\/:;<=>?@\\[\\\\\\]^_`\\{\\|\\}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[\\u4E00-\\u9FA5\\u3040-\\u309f]+",
  "(?<=\\p{L})(?=\\p{N})|(?<!\\d)\\d{2}(?!\\d)|\\bword\\b|^a|b$",
  ".{2,4}?x|a??b|(?:ab|a)(?:c|bcd)",
];

const ALPHABET = [
  "a",
  "b",
  "c",
  "x",
  " ",
  "  ",
  "\n",
  "\r\n",
  "1",
  "22",
  "'s",
  "don't",
  "É",
  "word",
  "你好",
  "😀",
  "\ud800",
  ".",
  "-",
  "Ab",
  "\u0301",
];

describe("finds what JavaScript finds", () => {
  it("in random texts, by published patterns", () => {
    const generator = freshRandom("published patterns");
    const random = () => generator.uniform();
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: 40 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
      for (const source of PUBLISHED)
        expect(found(source, text), JSON.stringify([source, text])).toEqual(expected(source, text));
    }
  });

  // Without characters of two code units, within which V8 finds empty matches.
  it("by random patterns", () => {
    const generator = freshRandom("random patterns");
    const random = () => generator.uniform();
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
    const atom = (depth: number): string => {
      const kind = random();
      if (depth === 0 || kind < 0.55) return pick(["a", "b", "c", "[ab]", "[^a]", ".", "\\p{L}", "x", "\\s", "É"]);
      if (kind < 0.8) return `(?:${pattern(depth - 1)})`;
      return `(?${pick(["=", "!", "<=", "<!"])}${pattern(depth - 1)})`;
    };
    const piece = (depth: number) => {
      const part = atom(depth);
      // JavaScript passes over an optional part that is empty, this engine takes it, as Oniguruma does.
      const mayBeEmpty = /\(\?<?[=!]/.test(part) || new RegExp(`^(?:${part})$`, "u").test("");
      return mayBeEmpty
        ? part
        : part + pick(["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{2,}", "{0,2}?"]);
    };
    const pattern = (depth: number): string =>
      Array.from({ length: 1 + Math.floor(random() * 2) }, () =>
        Array.from({ length: 1 + Math.floor(random() * 3) }, () => piece(depth)).join(""),
      ).join("|");
    let tooLarge = 0;
    for (let round = 0; round < 4000; round++) {
      const source = pattern(2);
      // One in some ten thousand nests so many counts that it is refused.
      if (isTooLarge(source)) {
        tooLarge++;
        continue;
      }
      // Short: JavaScript itself took nine seconds for one pattern and sixteen characters.
      const text = Array.from({ length: 8 }, () => pick(["a", "b", "c", "x", " ", "\n", "É", "aa", "ab"])).join("");
      expect(found(source, text), JSON.stringify([source, text])).toEqual(expected(source, text));
    }
    expect(tooLarge).toBeLessThan(10);
  });

  it("without regard to case, in a group", () => {
    const texts = (source: string, text: string) => found(source, text).map(([start, end]) => text.slice(start, end));
    expect(texts("(?i:ab|É)b?|A", "aB AB abb aBB É é A a")).toEqual(["aB", "AB", "abb", "aB", "É", "é", "A"]);
    expect(texts("(?i:'ll|'(?:s|d))", "'S 's 'Ll 'LL 'x 'D")).toEqual(["'S", "'s", "'Ll", "'LL", "'D"]);
  });
});

describe("takes linear time", () => {
  const long = 2 ** 18;
  it.each<[string, string, string]>([
    ["nested repetitions", "(a+)+$", "a".repeat(long)],
    ["the same, and a character that does not fit", "(a+)+b", "a".repeat(long)],
    ["equal alternatives", "(a|a)+$", `${"a".repeat(long - 1)}!`],
    ["overlapping alternatives", "(?:a|aa)+$", `${"a".repeat(long - 1)}!`],
    ["three levels", "((a+)+)+$", `${"a".repeat(long - 1)}!`],
    ["spaces before what does not come", "\\s*x", " ".repeat(long)],
    ["three repetitions in a row", "a*a*a*b", "a".repeat(long)],
    ["words", "(\\w+\\s?)+$", `${"word ".repeat(long / 5)}!`],
    ["a look ahead to the end", "(?=.*x)a", "a".repeat(long)],
    ["a look ahead that succeeds far away", "(?=.*x)a", `${"a".repeat(long - 1)}x`],
    ["a look behind to the start", "(?<=x.*)a", "a".repeat(long)],
    ["a look behind that succeeds far away", "(?<=x.*)a", `x${"a".repeat(long - 1)}`],
    ["looks in looks", "(?=(?:a(?=a*b))+c)a", "a".repeat(long)],
    ["counted repetitions", "(?:a{1,20}){1,3}b", "a".repeat(long)],
    ["a match of one character after a long failure", "a*b|a", "a".repeat(long)],
    ["lazy repetitions", "(?:a+?)+?b", "a".repeat(long)],
    ["an address of mail", "([a-zA-Z0-9]+[._-]?)+@", "a".repeat(long)],
  ])("%s", (_, source, text) => {
    const start = performance.now();
    const matches = [...new LinearPattern(source).matches(text)];
    expect(matches.every((match) => match.end > match.start)).toBe(true);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe("refuses", () => {
  it.each<[string, string, RegExp]>([
    ["a reference", "(a)\\1", /refers back to a group/],
    ["a reference by name", "(?<n>a)\\k<n>", /refers back to a group/],
    ["a repeated repetition", "(a*)*", /repeats what may be empty/],
    ["a repeated choice", "(?:a|)+", /repeats what may be empty/],
    ["a repeated look", "(?:(?=a))*", /repeats what may be empty/],
    ["flags", "(?s:.)", /Invalid regular expression|sets flags/],
    ["a large count", "a{1000000000}", /more than 128 branches or 4096 steps/],
    ["counts in counts", "(?:(?:a{1,50}){1,50}){1,50}", /more than 128 branches/],
    ["many alternatives", "a|".repeat(5000), /more than 128 branches/],
    ["a long source", "x".repeat(20_000), /20000 characters, the limit is 16384/],
    ["an open group", "(a", /Invalid regular expression/],
    ["deep groups", "(".repeat(8000) + ")".repeat(8000), /./],
  ])("%s", (_, source, message) => {
    expect(() => new LinearPattern(source)).toThrow(message);
  });

  it("more branches than the caller allows", () => {
    const source = "a?".repeat(200);
    expect(() => new LinearPattern(source)).toThrow(/more than 128 branches/);
    expect(() => new LinearPattern(source, 150)).toThrow(/more than 150 branches/);
    expect(new LinearPattern(source, 200).test("aaa")).toBe(true);
  });

  it("a text that would take too much memory", () => {
    expect(() => [...new LinearPattern("a?".repeat(120)).matches("b".repeat(2 ** 21))]).toThrow(
      /2097152 characters is too long for a pattern of 120 branches/,
    );
  });
});
