/** The unigram model. Expected pieces are those of Hugging Face's own library (Rust, the PyPI package `tokenizers` 0.23.3). */
import { describe, expect, it } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import type { Json } from "./tiny.ts";

const BYTES = Array.from({ length: 256 }, (_, b) => [`<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`, 0]);
const PIECES = "<unk> 0 </s> 0 ▁ -2 a -3 b -3.5 ab -4 ▁a -2.5 ▁ab -4.5 abab -8 ba -6.5 😀 -5 aa -6 aaa -9 c -3".split(
  " ",
);
const VOCABULARY = PIECES.flatMap((piece, i) => (i % 2 === 0 ? [[piece, Number(PIECES[i + 1])]] : []));
const METASPACE = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };

function unigram(model: Json = {}, file: Json = {}): Json {
  return {
    added_tokens: [
      { id: 0, content: "<unk>", special: true },
      { id: 1, content: "</s>", special: true },
    ],
    decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always" },
    ...file,
    model: { type: "Unigram", unk_id: 0, byte_fallback: false, vocab: VOCABULARY, ...model },
  };
}

const parse = (json: Json) => Tokenizer.parse({ "tokenizer.json": json });
const pieces = (json: Json) => {
  const tokenizer = parse(json);
  return (text: string) =>
    tokenizer
      .encode(text)
      .map((id) => tokenizer.token(id))
      .join(" ");
};

describe("a word's pieces", () => {
  it.each([
    ["abab", "abab"],
    ["aaaa", "a aaa"],
    ["aba b", "ab a <unk> b"],
    ["", ""],
    ["a▁b", "a ▁ b"],
    ["aéébc😀", "a <unk> b c 😀"],
    ["😁", "<unk>"],
    ["abababaab", "ab abab a ab"],
    ["a</s> b", "a </s> <unk> b"],
  ])("%j: the best sum of scores, unknown characters as one", (text, expected) => {
    expect(pieces(unigram())(text)).toBe(expected);
  });

  it.each([
    ["aba b", "ab a <0x20> b"],
    ["aéébc😀", "a <0xC3> <0xA9> <0xC3> <0xA9> b c 😀"],
    ["😁", "<0xF0> <0x9F> <0x98> <0x81>"],
  ])("%j: unknown characters as bytes", (text, expected) => {
    expect(pieces(unigram({ byte_fallback: true, vocab: [...VOCABULARY, ...BYTES] }))(text)).toBe(expected);
  });

  it("an unknown character costs 10 more than the worst piece, whatever its length", () => {
    const sentence = (text: string, vocab: unknown[]) =>
      pieces(unigram({ vocab: [["<unk>", 0], ["</s>", 0], ...vocab] }))(text);
    expect(
      sentence("ax", [
        ["a", -3],
        ["ax", -20],
      ]),
    ).toBe("ax");
    const runs = [
      ["c", -10],
      ["cc", -10],
      ["cccc", -1],
      ["c😁", -28],
    ];
    expect(sentence("cccc😁", runs)).toBe("cccc <unk>");
  });

  it("bytes only where the vocabulary has all of them", () => {
    const some = pieces(unigram({ byte_fallback: true, vocab: [...VOCABULARY, ...BYTES.slice(0, 200)] }));
    expect([some("é"), some("😁")]).toEqual(["<0xC3> <0xA9>", "<unk>"]);
  });
});

describe("after a Metaspace that cuts words", () => {
  const words = pieces(unigram({}, { pre_tokenizer: METASPACE }));
  it.each([
    ["abab", "▁ab ab"],
    ["ab  ab ", "▁ab ▁ ▁ab ▁"],
    [" b", "▁ b"],
    ["é", "▁ <unk>"],
    ["caab c", "▁ c a ab ▁ c"],
    ["a</s> b", "▁a </s> ▁ b"],
  ])("%j", (text, expected) => {
    expect(words(text)).toBe(expected);
  });

  it("its text comes back", () => {
    const tokenizer = parse(unigram({}, { pre_tokenizer: METASPACE }));
    expect(tokenizer.decode(tokenizer.encode("ab abab c"))).toBe("ab abab c");
  });
});

describe("users' text", () => {
  it("makes no control token and no unknown one of its name", () => {
    const tokenizer = parse(unigram({ byte_fallback: true, vocab: [...VOCABULARY, ...BYTES] }));
    for (const text of ["</s>", "a</s>b", "<unk>"]) {
      const ids = tokenizer.encodePrompt([tokenizer.literal(text)]);
      expect(ids.filter((id) => id < 2)).toEqual([]);
      expect(ids.map((id) => tokenizer.token(id)).join("")).toContain("<0x3C>");
    }
  });

  it("of the greatest length ends", { timeout: 30_000 }, () => {
    const tokenizer = parse(unigram({ vocab: [...VOCABULARY, ["a".repeat(128), -1]] }));
    for (const text of ["a", "é", "ab ", "😀"])
      expect(tokenizer.encode(text.repeat(2 ** 18 / text.length)).length).toBeGreaterThan(0);
  });
});

describe("damaged files", () => {
  it.each<[string, Json, RegExp]>([
    ["no list", { vocab: { a: 1 } }, /model\.vocab: expected a list/],
    ["an empty vocabulary", { vocab: [] }, /0 pieces/],
    ["a piece without score", { vocab: [["a"]] }, /vocab\[0\]: expected a piece and its score, got \["a"\]/],
    ["a score that is none", { vocab: [["a", null]] }, /vocab\[0\]/],
    ["a piece that is no text", { vocab: [[5, 1]] }, /vocab\[0\]/],
    ["no entry", { vocab: [null] }, /vocab\[0\]/],
    ["an endless piece", { vocab: [["x".repeat(129), 1]] }, /vocab\[0\]/],
    ["a piece twice", { vocab: [...VOCABULARY, ["ab", 0]] }, /"ab" has the ids 5 and 14/],
    ["no unknown piece", { unk_id: null }, /unk_id: expected an integer/],
    ["an unknown piece out of vocabulary", { unk_id: 14 }, /unk_id/],
    ["a fallback that is no yes or no", { byte_fallback: 1 }, /byte_fallback/],
  ])("%s", (_, model, message) => {
    const attempt = () => parse(unigram(model));
    expect(attempt).toThrow(FoveaError);
    expect(attempt).toThrow(message);
  });
});
