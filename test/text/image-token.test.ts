/** The token that stands for one row of a picture: how config.json, the family and the tokenizer's files name it. */
import { describe, expect, it } from "vitest";
import { Tokenizer, type TokenizerOptions } from "../../src/text/tokenizer.ts";
import { type Json, tinyTokenizer } from "./tiny.ts";

const tiny = (options: TokenizerOptions, changes: Json = {}, files: object = {}) =>
  Tokenizer.parse({ "tokenizer.json": tinyTokenizer(changes), ...files }, options);
const added = (content: string) => ({ added_tokens: [{ id: 400, content, special: true }] });

describe("the image token by its id", () => {
  it("is added where the tokenizer lacks it, as one id", () => {
    const tokenizer = tiny({ imageTokenId: 500 });
    expect(tokenizer.imageToken).toEqual({ id: 500, text: "<image>", inTemplate: "<image>" });
    expect(tokenizer.encode("a<image>b")).toEqual([tokenizer.tokenId("a"), 500, tokenizer.tokenId("b")]);
    expect([tokenizer.vocabularySize, tokenizer.hasId(499), tokenizer.isSpecial(500)]).toEqual([501, false, true]);
  });

  it("is the tokenizer's own where it has the id", () => {
    expect(tiny({ imageTokenId: 400 }, added("<|image|>")).imageToken).toMatchObject({ id: 400, text: "<|image|>" });
    // A word of the vocabulary that is no added token yet.
    const [id] = tiny({}).encode("the");
    expect(tiny({ imageTokenId: id }).imageToken).toMatchObject({ id, text: "the" });
  });

  it.each([
    ["tokenizer_config.json", { image_token: "[IMG]" }],
    ["tokenizer_config.json", { image_token: { content: "[IMG]", special: true } }],
    ["processor_config.json", { image_token: "[IMG]" }],
  ])("has the text that %s gives, where the tokenizer lacks it", (name, file) => {
    expect(tiny({ imageTokenId: 500 }, {}, { [name]: file }).imageToken?.text).toBe("[IMG]");
    expect(tiny({ imageTokenId: 400 }, added("<|image|>"), { [name]: file }).imageToken?.text).toBe("<|image|>");
  });

  it("must not contradict the tokenizer", () => {
    expect(() => tiny({ imageTokenId: 401 }, added("<image>"))).toThrow(/has the id 401, but "<image>" has the id 400/);
    const files = { "tokenizer_config.json": { eos_token: "</s>" } };
    expect(() => tiny({ imageTokenId: 2 }, {}, files)).toThrow(/is the end token/);
    expect(() => tiny({ imageTokenId: -1 })).toThrow(/image token/);
  });
});

describe("the image token by its text", () => {
  it("has the tokenizer's id", () => {
    expect(tiny({ imageToken: "[IMG]" }, added("[IMG]")).imageToken).toMatchObject({ id: 400, text: "[IMG]" });
  });

  it("is added where config.json gives an id for it", () => {
    expect(tiny({ imageToken: "[IMG]", imageTokenId: 500 }).encode("[IMG]")).toEqual([500]);
  });

  it("must agree with config.json and the tokenizer", () => {
    const rejected = (options: TokenizerOptions, text: string) =>
      expect(() => tiny(options, added("<image>"))).toThrow(
        expect.objectContaining({ code: "unsupported-model", message: expect.stringContaining(text) }),
      );
    rejected({ imageToken: "[IMG]", imageTokenId: 400 }, `id 400 is "<image>" in the tokenizer, not "[IMG]"`);
    rejected({ imageToken: "<image>", imageTokenId: 500 }, `has the id 500, but "<image>" has the id 400`);
    rejected({ imageToken: "[IMG]" }, `lacks the image token "[IMG]"`);
    rejected({ imageToken: "x".repeat(513), imageTokenId: 500 }, "513 characters");
    rejected({ imageTokenId: 400, templatePlaceholder: "" }, "0 characters");
  });
});

it("a model without pictures has none, whatever its files say", () => {
  expect(tiny({}, {}, { "tokenizer_config.json": { image_token: "<image>" } }).imageToken).toBeUndefined();
});
