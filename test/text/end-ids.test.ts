/** Which ids end an answer: those that the files name, and the one that a chat template writes after an answer. */
import { expect, test } from "vitest";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { type Json, tinyTokenizer } from "./tiny.ts";

const tiny = (changes: Json, files: object, imageTokenId?: number) =>
  Tokenizer.parse(
    { "tokenizer.json": tinyTokenizer(changes), ...files },
    imageTokenId === undefined ? {} : { imageTokenId },
  );

const generation = { "generation_config.json": { eos_token_id: [5, 2, 9999] } };
const config = { "config.json": { eos_token_id: 6, text_config: { eos_token_id: 7 } } };
const named = { "tokenizer_config.json": { eos_token: "</s>", bos_token: { content: "<s>" } } };
test.each([
  [
    "generation_config.json first, unknown ids left out, then the tokenizer's",
    { ...generation, ...config, ...named },
    [5, 2],
  ],
  ["config.json, then the tokenizer's", { ...config, ...named }, [6, 2]],
  ["text_config", { "config.json": { text_config: { eos_token_id: 7 } } }, [7]],
  ["special_tokens_map.json", { "special_tokens_map.json": { eos_token: "</s>" } }, [2]],
  ["none", {}, []],
])("%s", (_, files, ids) => {
  expect(tiny({}, files).eosIds).toEqual(ids);
});

test.each([
  ["a token after white space", "\n<|im_end|>\nUSER:", [2, 401]],
  ["the longest token", "<|im_end|><|im_start|>", [2, 402]],
  ["a known one", "</s>", [2]],
  ["a token that is not special", "</think>", [2]],
  ["a token in the next turn", "USER: <|im_end|>", [2]],
  ["BOS", "<s>[INST]", [2]],
  ["a picture", "<image>", [2]],
  ["nothing", "", [2]],
])("a template writes %s after an answer", (_, after, ids) => {
  const added_tokens = [
    { id: 401, content: "<|im_end|>", special: true },
    { id: 402, content: "<|im_end|><|im_start|>", special: true },
    { id: 403, content: "</think>", special: false },
  ];
  const tokenizer = tiny({ added_tokens }, named, 400);
  tokenizer.endAt(after);
  expect(tokenizer.eosIds).toEqual(ids);
});

test("refuses ids that are none, and knows BOS and special tokens", () => {
  expect(() => tiny({}, { "generation_config.json": { eos_token_id: "2" } })).toThrow(/eos_token_id: expected/);
  const tokenizer = tiny({}, named);
  expect(tokenizer.bosId).toBe(1);
  // "<s>" is special by its role, though tokenizer.json does not list it.
  expect([1, 2, 3].map((id) => tokenizer.isSpecial(id))).toEqual([true, true, false]);
  expect(tokenizer.encode("<s>a", { addSpecialTokens: false })).toEqual([1, tokenizer.tokenId("a")]);
  expect([tokenizer.hasId(0), tokenizer.hasId(tokenizer.vocabularySize)]).toEqual([true, false]);
});
