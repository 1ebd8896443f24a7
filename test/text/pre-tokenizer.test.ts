/** Words of a text. Expected ones are those of Hugging Face's own library (Rust, the PyPI package `tokenizers` 0.23.3). */
import { expect, it } from "vitest";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { type Json, tinyTokenizer } from "./tiny.ts";

/** A tokenizer in which each word is a token, as the vocabulary holds every text of "a", " ", "|" and "▁" up to 6 letters. */
const TEXTS = (() => {
  const all = [""];
  for (const text of all) if (text.length < 6) all.push(...["a", " ", "|", "▁"].map((letter) => text + letter));
  return all.slice(1);
})();

function words(pre_tokenizer: Json) {
  const vocab = Object.fromEntries(["<unk>", ...TEXTS].map((text, id) => [text, id]));
  const model = { vocab, merges: [], byte_fallback: false, ignore_merges: true };
  const tokenizer = Tokenizer.parse({ "tokenizer.json": tinyTokenizer({ added_tokens: [], pre_tokenizer, model }) });
  return (text: string) => tokenizer.encode(text).map((id) => tokenizer.token(id));
}

const split = (text: string, behavior: string) =>
  words({ type: "Split", pattern: { String: text }, behavior, invert: false });

it.each([
  [" ", "MergedWithPrevious", "a  a a", ["a ", " ", "a ", "a"]],
  [" ", "MergedWithPrevious", " a ", [" ", "a "]],
  ["|", "MergedWithPrevious", "|||a", ["|", "|", "|", "a"]],
  ["||", "MergedWithPrevious", "a||a|a", ["a||", "a|a"]],
  ["||", "MergedWithPrevious", "|||a", ["||", "|a"]],
  [" ", "MergedWithNext", "a  a a", ["a", " ", " a", " a"]],
  [" ", "MergedWithNext", " a ", [" a", " "]],
  ["|", "MergedWithNext", "|||a", ["|", "|", "|a"]],
  ["||", "MergedWithNext", "a||a|a", ["a", "||a|a"]],
  ["||", "MergedWithNext", "|||a", ["|||a"]],
  [" ", "Removed", " a  a", ["a", "a"]],
  ["||", "Removed", "a||a|a", ["a", "a|a"]],
  ["|", "Isolated", "a||a", ["a", "|", "|", "a"]],
])("split at %j, %s: %j", (text, behavior, input, expected) => {
  expect(split(text, behavior)(input)).toEqual(expected);
});

it.each([
  [{ prepend_scheme: "always" }, "a  a ", ["▁a", "▁", "▁a", "▁"]],
  [{ prepend_scheme: "never", split: true }, "a a", ["a", "▁a"]],
  [{ split: false }, "a a", ["▁a▁a"]],
  [{}, " a", ["▁a"]],
  [{ add_prefix_space: false }, "a a", ["a", "▁a"]],
  [{ add_prefix_space: true }, "a", ["▁a"]],
])("the metaspace %j: %j", (fields, input, expected) => {
  expect(words({ type: "Metaspace", replacement: "▁", ...fields })(input)).toEqual(expected);
});
