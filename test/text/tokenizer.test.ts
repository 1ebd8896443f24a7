import { Tokenizer as Library } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { freshRandom } from "../support/random.ts";
import { describeShared, needing, sharedBytes, sharedJson } from "../support/shared.ts";
import realIds from "./real-ids.json" with { type: "json" };
import { IDS_AROUND, type Json, tinyTokenizer } from "./tiny.ts";

/** The ids in real-ids.json are those of Hugging Face's own library (Rust, by the npm package `tokenizers` 0.23.2). */
const REAL = ["assembled_llama2", "phi3_mini_llama_vocab", "clip", "assembled_qwen2.5"] as const;

async function realTokenizer(name: string, more: object = {}): Promise<Tokenizer> {
  const text = new TextDecoder().decode(await sharedBytes(`real/tokenizers/${name}/tokenizer.json`));
  return Tokenizer.parse({ "tokenizer.json": text, ...more });
}

const tiny = (changes: Json = {}, files: object = {}, imageTokenId?: number) =>
  Tokenizer.parse(
    { "tokenizer.json": tinyTokenizer(changes), ...files },
    imageTokenId === undefined ? {} : { imageTokenId },
  );

describeShared(needing("real/tokenizers", "real tokenizers"), () => {
  it.each(REAL)("%s has the ids and texts of Hugging Face's library", { timeout: 60_000 }, async (name) => {
    const tokenizer = await realTokenizer(name);
    const recorded = await sharedJson<Record<string, { text: string; ids: number[]; decoded: string }[]>>(
      "real/tokenizers/reference_ids.json",
    );
    expect(recorded[name]!.length).toBeGreaterThan(0);
    for (const { text, ids, decoded } of recorded[name]!) {
      expect(tokenizer.encode(text), text).toEqual(ids);
      expect(tokenizer.decode(ids), text).toBe(decoded);
    }
    for (const { text, ids } of realIds[name]) {
      // A sigma at the end of a word, which the library writes as "ς"; only CLIP's tokenizer lowercases.
      if (name === "clip" && text.includes("Σ")) continue;
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
    }
  });

  it("continues a story with its ids", async () => {
    const file = await sharedJson<object>("real/stories260K/tokenizer.json");
    const config = await sharedJson<object>("real/stories260K/tokenizer_config.json");
    const tokenizer = Tokenizer.parse({ "tokenizer.json": file, "tokenizer_config.json": config });
    expect(tokenizer.encode("Once upon a time")).toEqual([1, 403, 407, 261, 378]);
    expect(tokenizer).toMatchObject({ bosId: 1, eosIds: [2], vocabularySize: 512 });
  });

  it.each(["assembled_llama2", "assembled_qwen2.5"])(
    "%s encodes the longest text and refuses a longer one",
    { timeout: 60_000 },
    async (name) => {
      const tokenizer = await realTokenizer(name);
      const words = "The quick brown fox jumps.\n".repeat(9_700);
      const ids = tokenizer.encode(words, { addSpecialTokens: false });
      expect(tokenizer.decode(ids)).toBe(words);
      for (const text of ["a", " ", "<", "😀"]) {
        expect(tokenizer.encode(text.repeat(20_000)).length).toBeGreaterThan(0);
      }
      expect(() => tokenizer.encodePrompt([words, words])).toThrow(/523800 characters, the limit is 262144/);
      expect(() => tokenizer.encode(words.repeat(2))).toThrow(RangeError);
    },
  );

  it("cuts long text only where the ids stay", { timeout: 60_000 }, async () => {
    const json = await sharedJson<Json>("real/tokenizers/assembled_llama2/tokenizer.json");
    const tokenizer = Tokenizer.parse({ "tokenizer.json": json });
    const library = new Library(structuredClone(json), {});
    const random = freshRandom("cuts");
    const parts = [" ", "  ", "▁", "the", "ing", " a", "\n", "é", "日本", "😀", "12", ". ", "<0x41>", "\u00a0"];
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: 30 }, () => parts[random.integer(0, parts.length - 1)]).join("");
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(library.encode(text).ids);
    }
  });

  it("refuses the damaged file, naming the merge", { timeout: 60_000 }, async () => {
    await expect(realTokenizer("llama2_ortx_nbsp_damaged")).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining("model.merges[18917]"),
    });
  });
});

describe("words", () => {
  // As Rust's library: "ab" is a word of its own, and so is each digit of any script, and U+FEFF is no white space.
  const vocab = Object.fromEntries(
    ["a", "b", "ab", "Ù", "¢", "Ù¢", "Ù¢Ù¢", "ï", "»", "¿", "ï»¿", "Ġ", "Ġï»¿"].map((t, i) => [t, i]),
  );
  const merges = ["a b", "Ù ¢", "Ù¢ Ù¢", "ï »", "ï» ¿", "Ġ ï»¿"];
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const pre_tokenizer = { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel] };
  const json = {
    pre_tokenizer,
    added_tokens: [],
    decoder: byteLevel,
    model: { vocab: { ...vocab, "ï»": 13 }, merges, unk_token: null, byte_fallback: false },
  };
  // Published files name a class whose words are not of bytes; tokenizer.json decides.
  const tokenizer = tiny(json, { "tokenizer_config.json": { tokenizer_class: "LlamaTokenizerFast", legacy: true } });
  it.each([
    ["digits of other scripts", "ab\u0662\u0662", ["ab", "Ù¢", "Ù¢"]],
    ["a byte order mark behind a space", "a \ufeffb", ["a", "Ġï»¿", "b"]],
  ])("%s", (_, text, tokens) => {
    const ids = tokenizer.encode(text);
    expect(ids.map((id) => tokenizer.token(id))).toEqual(tokens);
    expect(tokenizer.decode(ids)).toBe(text);
  });
});

describe("damaged files", () => {
  const damage = (change: (json: Json) => void): Json => {
    const json = tinyTokenizer();
    change(json);
    return json;
  };
  const cases: [string, Json, RegExp][] = [
    ["not JSON", "{", /tokenizer\.json: not valid JSON/],
    ["a list", [], /expected an object/],
    ["no model", {}, /model: expected an object/],
    ["an unknown model", damage((j) => (j.model.type = "WordSalad")), /"WordSalad" is not supported/],
    ["words without an unknown one", damage((j) => (j.model = { type: "WordPiece", vocab: { a: 0 } })), /unk_token/],
    [
      "words without end",
      damage((j) => Object.assign(j.model, { type: "WordPiece", max_input_chars_per_word: 1e9 })),
      /max_input_chars_per_word: expected an integer from 0 to 200, got 1000000000/,
    ],
    ["a prefix of words' ends", damage((j) => (j.model.continuing_subword_prefix = "##")), /"##" is not supported/],
    ["an unknown token out of vocabulary", damage((j) => (j.model.unk_token = "<?>")), /unk_token: "<\?>"/],
    ["merges of two forms", damage((j) => j.model.merges.push(["é"])), /merges\[13\]: expected two parts/],
    [
      "a post-processor without text",
      damage((j) => (j.post_processor = { ...IDS_AROUND, single: [] })),
      /keep the text/,
    ],
    [
      "a post-processor of nothing",
      damage((j) => (j.post_processor = { type: "TemplateProcessing" })),
      /cannot be used/,
    ],
    [
      "ids around that are none",
      damage((j) => (j.post_processor = { type: "BertProcessing", cls: ["[C]", 7], sep: ["[S]", 8] })),
      /post_processor: "\[C\]" is not in the vocabulary/,
    ],
    ["a negative id", damage((j) => (j.model.vocab.a = -1)), /vocab\["a"\].*got -1/],
    ["a fractional id", damage((j) => (j.model.vocab.a = 1.5)), /got 1\.5/],
    ["a huge id", damage((j) => (j.model.vocab.a = 1e12)), /got 1000000000000/],
    ["a text as id", damage((j) => (j.model.vocab.a = "7")), /got "7"/],
    ["two tokens with one id", damage((j) => (j.model.vocab.b = j.model.vocab.a)), /both have the id/],
    ["an empty vocabulary", damage((j) => (j.model.vocab = {})), /vocabulary is empty/],
    [
      "a merge of objects",
      damage((j) => j.model.merges.push([{ toString: 1 }, "a"])),
      /merges\[13\]: expected a string/,
    ],
    ["a merge of three parts", damage((j) => j.model.merges.push("a b c")), /merges\[13\]: expected two parts/],
    ["a merge of numbers", damage((j) => j.model.merges.push([1, 2])), /merges\[13\]/],
    ["a part out of vocabulary", damage((j) => j.model.merges.push("é ß")), /merges\[13\]: "ß" of "é ß"/],
    ["a result out of vocabulary", damage((j) => j.model.merges.push("z z")), /merges\[13\]: "zz"/],
    ["random merges", damage((j) => (j.model.dropout = 0.1)), /dropout/],
    ["an unknown normalizer", damage((j) => (j.normalizer = { type: "NFX" })), /normalizer: .*"NFX" is not/],
    [
      "a malformed normalizer",
      damage((j) => (j.normalizer = { type: "Sequence", normalizers: 1 })),
      /normalizers: expected a list/,
    ],
    ...["AAAA", "/////w==", "?"].map((precompiled_charsmap): [string, () => void, RegExp] => [
      `the table ${precompiled_charsmap}`,
      damage((j) => (j.normalizer = { type: "Precompiled", precompiled_charsmap })),
      /precompiled_charsmap: (a table of|it is not base64)/,
    ]),
    [
      "a malformed decoder",
      damage((j) => (j.decoder = { type: "Sequence", decoders: [{ type: "Replace" }] })),
      /decoder: the pattern undefined is not supported/,
    ],
    [
      "a metaspace that is no text",
      damage((j) => (j.pre_tokenizer = { type: "Metaspace", replacement: 5 })),
      /replacement: expected a string, got 5/,
    ],
    ["an unknown pre-tokenizer", damage((j) => (j.pre_tokenizer = { type: "UnicodeScripts" })), /"UnicodeScripts"/],
    ["an unknown post-processor", damage((j) => (j.post_processor = { type: "X" })), /PostProcessor type: X/],
    ["an unknown decoder", damage((j) => (j.decoder = { type: "X" })), /Decoder type: X/],
    [
      "a bad pattern",
      damage((j) => (j.pre_tokenizer = { type: "Split", pattern: { Regex: "(" }, behavior: "Removed" })),
      /pattern: the expression cannot be read.*regular expression/i,
    ],
    [
      "an unknown behaviour",
      damage((j) => (j.pre_tokenizer = { type: "Split", pattern: { String: "a" }, behavior: "Sideways" })),
      /behavior: "Sideways" is not supported/,
    ],
    ["an empty added token", damage((j) => j.added_tokens.push({ id: 400, content: "" })), /added_tokens\[2\]/],
    ["an endless added token", damage((j) => j.added_tokens.push({ id: 400, content: "x".repeat(1e5) })), /100000/],
    ["an added token with a word's id", damage((j) => j.added_tokens.push({ id: 5, content: "new" })), /id 5: is both/],
    [
      "an added token with two ids",
      damage((j) => j.added_tokens.push({ id: 400, content: "<s>" })),
      /two ids, 1 and 400/,
    ],
  ];
  it.each(cases)("%s", (_, json, message) => {
    const parse = () => Tokenizer.parse({ "tokenizer.json": json });
    expect(parse).toThrow(FoveaError);
    expect(parse).toThrow(message);
  });

  it("keys of Object.prototype are nothing special", () => {
    const json = damage((j) => {
      j.post_processor = { ...IDS_AROUND, single: [...IDS_AROUND.single, { SpecialToken: { id: "constructor" } }] };
    });
    expect(() => Tokenizer.parse({ "tokenizer.json": json })).toThrow(/"constructor" is not in the vocabulary/);
    const text = JSON.stringify(tinyTokenizer()).replace('"<unk>":0', '"__proto__":399,"<unk>":0');
    expect(Tokenizer.parse({ "tokenizer.json": text }).tokenId("__proto__")).toBe(399);
  });
});

describe("text of users", () => {
  const added_tokens = [
    { id: 2, content: "</s>", special: true },
    { id: 401, content: "<|im_end|>", special: true },
    { id: 402, content: "<think>", special: false },
    { id: 403, content: "  ", special: false },
  ];
  const tokenizer = tiny({ added_tokens }, {}, 400);
  const control = new Set([2, 400, 401, 402]);
  const encode = (...pieces: (string | number)[]) => tokenizer.encodePrompt(pieces);
  const controls = (ids: number[]) => ids.filter((id) => control.has(id));

  it.each(["<image>", "</s>", "<|im_end|>", "a<|im_end|>b</s></s>", "<<think>", "</s", "<", "s>", ""])(
    "%j makes no control token",
    (text) => {
      const ids = encode(`<image>${tokenizer.literal(text)}<|im_end|>`);
      expect(controls(ids)).toEqual([400, 401]);
      expect(tokenizer.decode(ids)).toBe(text);
    },
  );

  it("neither do its parts together", () => {
    const parts = ["<im", "age>", "<", "/s>", "<", "/s", ">"].map((part) => tokenizer.literal(part));
    expect(controls(encode(parts.join("")))).toEqual([]);
  });

  it("its marks do not count towards the limit on its length", () => {
    const literal = (times: number) => tokenizer.literal("</s>".repeat(times));
    expect(literal(2 ** 15).length).toBeGreaterThan(1.2 * 2 ** 17);
    expect(encode(literal(2 ** 16)).length).toBeGreaterThan(2 ** 16);
    expect(() => encode(literal(2 ** 16 + 1))).toThrow(/the text has 262148 characters, the limit is 262144/);
  });

  it("harmless text stays as it is, and so do its ids", () => {
    for (const text of ["the lower 12", "  two  spaces  ", "a < b and c > d", "1 </ 2", "é \u{1F600}"]) {
      expect(tokenizer.literal(text)).toBe(text);
      expect(encode(`<image>${text}</s>`)).toEqual(tokenizer.encode(`<image>${text}</s>`));
    }
  });

  it("an answer keeps tokens that are not special", () => {
    expect(controls(encode(tokenizer.literal("<think></s>", true)))).toEqual([402]);
  });

  it("marks of the text's own survive", () => {
    const text = "a\uFDD0\uFDD1b\uFDD0\uFDD2c\uFDD0</s>\uFDD0";
    expect(tokenizer.decode(encode(tokenizer.literal(text)))).toBe(text);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe("a\uFDD0\uFDD1b\uFDD0\uFDD2c\uFDD0\uFDD0");
  });

  it("normalization does not make a token of it", () => {
    const lower = tiny({
      normalizer: { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Lowercase" }] },
      added_tokens: [{ id: 2, content: "</s>", special: true, normalized: true }],
    });
    for (const text of ["</S>", "＜/s＞", "a</s>"]) {
      expect(lower.encodePrompt([text])).toContain(2);
      expect(lower.encodePrompt([lower.literal(text)])).not.toContain(2);
    }
  });

  it("does not become a token as a whole word or by a merge", () => {
    const word = (changes: Json) => tiny({ added_tokens: [{ id: 2, content: "</s>", special: true }], ...changes });
    const whole = word({ model: { ignore_merges: true } });
    const json = tinyTokenizer();
    Object.assign(json.model.vocab, { "</": 390, "s>": 391 });
    const merged = word({ model: { vocab: json.model.vocab, merges: ["< /", "s >", "</ s>"] } });
    const split = word({ pre_tokenizer: { type: "Split", pattern: { Regex: ".+" }, behavior: "Isolated" } });
    const lower = word({ normalizer: { type: "Lowercase" } });
    for (const tokenizer of [whole, merged, split, lower]) {
      expect(tokenizer.encode("</s>")).toEqual([2]);
      for (const text of ["</s>", "</S>"]) expect(tokenizer.encodePrompt([tokenizer.literal(text)])).not.toContain(2);
    }
  });

  it("a megabyte of it is marked without delay", { timeout: 30_000 }, () => {
    expect(tokenizer.literal("</s>".repeat(250_000)).length).toBe(1_500_004);
    expect(tokenizer.literal("<".repeat(1_000_000)).length).toBe(1_000_002);
  });
});

describe("prompts", () => {
  it("have a space in front of their first piece only, where the tokenizer says so", () => {
    const pre_tokenizer = { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false };
    const tokenizer = tiny({ pre_tokenizer });
    const tokens = (ids: number[]) => ids.map((id) => tokenizer.token(id)).join("");
    expect(tokens(tokenizer.encodePrompt(["the", 2, "the", 2, "the"]))).toBe("▁the</s>the</s>the");
    expect(tokens(tokenizer.encode("the</s>the"))).toBe("▁the</s>the");
  });

  it("get BOS once and no end token", () => {
    const tokenizer = tiny({ post_processor: IDS_AROUND, added_tokens: [{ id: 1, content: "<s>", special: true }] });
    const a = tokenizer.tokenId("a")!;
    expect(tokenizer.encode("a")).toEqual([1, a, 2]);
    expect(tokenizer.encodePrompt(["a"])).toEqual([1, a]);
    expect(tokenizer.encodePrompt(["<s>a"])).toEqual([1, a]);
    expect(tokenizer.encodePrompt(["a", 2, "a"], { addSpecialTokens: false })).toEqual([a, 2, a]);
  });
});
