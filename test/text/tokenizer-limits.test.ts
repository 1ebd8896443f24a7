/** Files of a tokenizer that cost more than they may: each is refused, or its text is, in time. */
import { describe, expect, it } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { within } from "../support/processor-time.ts";
import { type Json, tinyTokenizer } from "./tiny.ts";

const MOST_MS = 5000;
const LONG = 2 ** 18;

const timed = <T>(run: () => T): T => within(MOST_MS, run);

const open = (changes: Json) => Tokenizer.parse({ "tokenizer.json": tinyTokenizer(changes) });
const replace = (pattern: object, content: string) => ({ type: "Replace", pattern, content });
const many = (type: string, list: string, count: number, step: object) => ({
  type,
  [list]: Array.from({ length: count }, () => step),
});
const splitAt = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });
/** A text that is not one word, which takes long by itself. */
const WORDS = "aaaa ".repeat(LONG / 8);

describe("patterns that hang in JavaScript", () => {
  it.each<[string, string]>([
    ["(a+)+$", `${"a".repeat(60)}!`],
    ["(a|aa)+$", `${"a".repeat(60)}!`],
    ["(?:\\w+\\s?)+$", `${WORDS}!`],
    ["\\s*x", " ".repeat(LONG / 4)],
    ["(?=.*x)a", "a".repeat(41)],
  ])("%s", (pattern, text) => {
    const plain = open({}).encode(text);
    for (const changes of [
      { pre_tokenizer: splitAt(pattern) },
      { normalizer: replace({ Regex: pattern }, "") },
      { normalizer: { type: "Sequence", normalizers: [replace({ Regex: pattern }, "b"), { type: "NFC" }] } },
      { pre_tokenizer: many("Sequence", "pretokenizers", 3, splitAt(pattern)) },
    ]) {
      const ids = timed(() => open(changes).encode(text));
      expect(ids.length).toBeGreaterThan(0);
    }
    expect(plain.length).toBeGreaterThan(0);
  });

  it("are refused in a decoder, which the library runs", () => {
    const decoder = { type: "Sequence", decoders: [replace({ Regex: "(a+)+$" }, ""), { type: "Fuse" }] };
    expect(() => open({ decoder })).toThrow(/tokenizer.json: decoder: the pattern .*\(a\+\)\+\$.* is not supported/);
  });
});

describe("texts that grow", () => {
  const grows = /the tokenizer's normalizer makes \d+ characters of \d+, the limit is 327680/;
  it.each<[string, Json]>([
    ["by 100,000", replace({ String: "a" }, "b".repeat(100_000))],
    ["twice, 16 times", many("Sequence", "normalizers", 16, replace({ String: "a" }, "aa"))],
    [
      "by a pattern, 20 times",
      {
        type: "Sequence",
        normalizers: many("Sequence", "normalizers", 8, replace({ Regex: "[ab]" }, "abab")).normalizers,
      },
    ],
    ["at every place", replace({ Regex: "(?=)" }, "b".repeat(100))],
    ["by a long prefix", { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "b".repeat(300_000) }] }],
    ["by NFKC", { type: "Sequence", normalizers: [replace({ String: "a" }, "\ufdfa"), { type: "NFKC" }] }],
  ])("%s", (_, normalizer) => {
    const tokenizer = timed(() => open({ normalizer }));
    expect(() => timed(() => tokenizer.encode("a".repeat(LONG / 4)))).toThrow(grows);
    expect(timed(() => tokenizer.encode("x")).length).toBeGreaterThan(0);
  });

  it.each<[string, Json]>([
    ["many steps", { normalizer: many("Sequence", "normalizers", 10_000, { type: "NFC" }) }],
    [
      "steps in steps",
      { normalizer: many("Sequence", "normalizers", 20, many("Sequence", "normalizers", 20, { type: "NFC" })) },
    ],
    ["many patterns", { pre_tokenizer: many("Sequence", "pretokenizers", 20, splitAt("a?b?c?")) }],
    ["a long string", { normalizer: replace({ String: "a".repeat(100_000) }, "") }],
    ["a pattern of a thousand branches", { pre_tokenizer: splitAt("a?".repeat(1000)) }],
    ["a decoder that grows text", { decoder: many("Sequence", "decoders", 20, replace({ String: "a" }, "aaaa")) }],
    ["a decoder that strips for ever", { decoder: { type: "Strip", content: "a", start: 1e12, stop: 0 } }],
    ["a reference", { pre_tokenizer: splitAt("(a*)\\1") }],
  ])("%s is refused", (_, changes) => {
    const act = () => timed(() => open(changes));
    expect(act).toThrow(FoveaError);
    expect(act).toThrow(/^tokenizer.json: (normalizer|pre_tokenizer|decoder)/);
  });
});

describe("users' text, whatever the file", () => {
  it("one word of the longest text", () => {
    const tokenizer = open({});
    expect(timed(() => tokenizer.encode("lower".repeat(LONG / 5))).length).toBeGreaterThan(LONG / 10);
  });

  it("many control tokens, and a text of their first characters", () => {
    const added_tokens = [
      ...tinyTokenizer().added_tokens,
      ...Array.from({ length: 20_000 }, (_, i) => ({ id: 1000 + i, content: `<<<<|${i}|>`, special: true })),
    ];
    const tokenizer = timed(() => open({ added_tokens }));
    const text = timed(() => tokenizer.literal("<".repeat(LONG)));
    expect(text.slice(0, LONG)).toBe("<".repeat(LONG));
    for (const isAnswer of [true, false]) timed(() => tokenizer.standIns.standIn(text, isAnswer));
    expect(timed(() => tokenizer.standIns.tokensIn(text))).toBe("");
  });

  it("long control tokens of one character", () => {
    const added_tokens = [
      ...tinyTokenizer().added_tokens,
      ...Array.from({ length: 400 }, (_, i) => ({ id: 1000 + i, content: `${"a".repeat(100 + i)}x`, special: true })),
    ];
    const tokenizer = timed(() => open({ added_tokens }));
    const text = timed(() => tokenizer.literal("a".repeat(LONG / 4)));
    expect(timed(() => tokenizer.encodePrompt([text])).length).toBeGreaterThan(0);
  });
});
