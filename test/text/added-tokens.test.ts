/** Added tokens back to back and beside words, with every combination of flags, against the Rust library's ids. */
import { expect, it } from "vitest";
import { AddedTokenFinder } from "../../src/text/added-token-finder.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import added from "./added/added.json" with { type: "json" };

const { texts, cases } = added as unknown as { texts: string[]; cases: { tokenizer: Json; ids: number[][] }[] };
// biome-ignore lint/suspicious/noExplicitAny: tokenizer files are untyped JSON
type Json = any;

const name = ({ tokenizer }: (typeof cases)[0]) => {
  const [{ single_word, lstrip, rstrip, normalized }] = tokenizer.added_tokens;
  const flags = Object.entries({ single_word, lstrip, rstrip, normalized }).flatMap(([flag, is]) => (is ? flag : []));
  return `${tokenizer.normalizer?.type ?? "no normalizer"}, ${flags.join(", ") || "no flags"}`;
};

it("has all 16 combinations of flags, each with four normalizers", () => {
  expect(new Set(cases.map(name)).size).toBe(64);
  expect(texts).toHaveLength(76);
});

it.each(cases.map((one) => [name(one), one] as const))("%s", (_, { tokenizer: file, ids }) => {
  const tokenizer = Tokenizer.parse({ "tokenizer.json": file });
  for (const [i, text] of texts.entries())
    expect(tokenizer.encode(text, { addSpecialTokens: false }), JSON.stringify(text)).toEqual(ids[i]);
});

it("takes letters beyond 16 bits for letters of a word", () => {
  const flags = { lstrip: false, rstrip: false, normalized: false, special: false };
  const finder = new AddedTokenFinder(
    [{ id: 7, content: "cat", single_word: true, ...flags }],
    ({ content }) => content,
  );
  for (const word of ["cat\u{10400}", "\u{10400}cat"]) expect(finder.split(word)).toEqual([word]);
  expect(finder.split("\u{10400} cat \u{10400}")).toEqual(["\u{10400} ", 7, " \u{10400}"]);
});
