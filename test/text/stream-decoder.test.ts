import { Tokenizer as Library } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { StreamDecoder, type StreamOptions } from "../../src/text/stream-decoder.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { freshRandom, type Random } from "../support/random.ts";
import { describeShared, needing, sharedJson } from "../support/shared.ts";
import { tinyTokenizer } from "./tiny.ts";

const TEXTS = [
  "Hello, world! It's 12:30.",
  "  two  leading spaces\n\ttab \n",
  "naïve café 日本語の文字 한국어 😀👩‍👩‍👧🏳️‍🌈",
  "<|im_end|>x</s> y <s>",
  "",
];

interface Both {
  tokenizer: Tokenizer;
  whole: (ids: readonly number[]) => string;
}

const loaded = new Map<string, Promise<Both>>();

/** Ours and the library, which decodes all tokens at once. */
function both(name: string): Promise<Both> {
  const known = loaded.get(name) ?? loadBoth(name);
  loaded.set(name, known);
  return known;
}

async function loadBoth(name: string): Promise<Both> {
  const json = await sharedJson<object>(`real/tokenizers/${name}/tokenizer.json`);
  const library = new Library(structuredClone(json), { clean_up_tokenization_spaces: false });
  // Hugging Face's Rust library leaves "</w>" in the text.
  library.decoder!.end_of_word_suffix = null;
  const whole = (ids: readonly number[]) =>
    ids.length === 0 ? "" : library.decode([...ids], { skip_special_tokens: true });
  return { tokenizer: Tokenizer.parse({ "tokenizer.json": json }), whole };
}

function randomIds(random: Random, tokenizer: Tokenizer, byteIds: readonly number[]): number[] {
  const ids: number[] = [];
  while (ids.length < 30) {
    // Runs of bytes, whole characters and broken ones, among any tokens.
    if (byteIds.length > 0 && random.uniform() < 0.3) {
      const character = String.fromCodePoint([0xe9, 0x65e5, 0x1f600][random.integer(0, 2)]!);
      const bytes = Array.from(new TextEncoder().encode(character), (byte) => byteIds[byte]!);
      ids.push(...bytes.slice(0, random.integer(1, bytes.length)));
    } else {
      const id = random.integer(0, tokenizer.vocabularySize - 1);
      if (tokenizer.hasId(id)) ids.push(id);
    }
  }
  return ids;
}

describeShared(needing("real/tokenizers", "streaming, against decoding at once"), () => {
  it.each(["assembled_llama2", "phi3_mini_llama_vocab", "clip", "assembled_qwen2.5"])(
    "%s",
    { timeout: 60_000 },
    async (name) => {
      const { tokenizer, whole } = await both(name);
      const random = freshRandom(name);
      const bytes = Array.from({ length: 256 }, (_, b) =>
        tokenizer.tokenId(`<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`),
      );
      // The library loses a byte order mark at the start of a run of byte tokens.
      const byteIds = bytes.includes(undefined) ? [] : (bytes as number[]);
      for (let round = 0; round < 300; round++) {
        const ids = randomIds(random, tokenizer, byteIds);
        const decoder = new StreamDecoder(tokenizer);
        const streamed = ids.map((id) => decoder.push(id)).join("") + decoder.flush();
        expect(streamed, JSON.stringify(ids)).toBe(tokenizer.decode(ids));
        expect(streamed.replaceAll("\ufeff", ""), JSON.stringify(ids)).toBe(whole(ids).replaceAll("\ufeff", ""));
      }
    },
  );

  it.each(["assembled_llama2", "assembled_qwen2.5"])(
    "%s shows each character as soon as it is whole",
    { timeout: 60_000 },
    async (name) => {
      const { tokenizer, whole } = await both(name);
      for (const text of TEXTS) {
        const ids = tokenizer.encode(text, { addSpecialTokens: false });
        const decoder = new StreamDecoder(tokenizer);
        let shown = "";
        ids.forEach((id, i) => {
          shown += decoder.push(id);
          // An unfinished character is U+FFFD when decoded at once.
          expect(shown).toBe(whole(ids.slice(0, i + 1)).replace(/\ufffd+$/, ""));
        });
        expect(shown + decoder.flush(), JSON.stringify(text)).toBe(tokenizer.decode(ids));
        if (!text.includes("<")) expect(tokenizer.decode(ids)).toBe(text);
      }
    },
  );

  it("a long answer takes the same time per token", { timeout: 30_000 }, async () => {
    const { tokenizer } = await both("assembled_llama2");
    const ids = tokenizer.encode("The quick brown fox 日本 jumps. ".repeat(20), { addSpecialTokens: false });
    const decoder = new StreamDecoder(tokenizer);
    const time = (rounds: number) => {
      const start = performance.now();
      for (let round = 0; round < rounds; round++) for (const id of ids) decoder.push(id);
      return performance.now() - start;
    };
    time(20);
    const first = time(50);
    time(400);
    // Decoding everything again at each token would be ten times slower by now.
    expect(time(50)).toBeLessThan(4 * first + 50);
  });
});

describe("streaming", () => {
  const tokenizer = Tokenizer.parse({ "tokenizer.json": tinyTokenizer() });
  const id = (token: string) => tokenizer.tokenId(token)!;

  it("holds back unfinished characters and ends them at flush", () => {
    const decoder = new StreamDecoder(tokenizer);
    expect(["<0xF0>", "<0x9F>", "<0x98>"].map((token) => decoder.push(id(token)))).toEqual(["", "", ""]);
    expect(decoder.push(id("<0x80>"))).toBe("😀");
    expect(decoder.push(id("<0xC3>"))).toBe("");
    expect(decoder.flush()).toBe("\ufffd");
  });

  it("keeps good characters of a run of bytes that ends badly", () => {
    expect(tokenizer.decode(["<0xC3>", "<0xA9>", "<0xC3>", "low"].map(id))).toBe("é\ufffdlow");
  });

  it("takes tokens that only resemble bytes for text", () => {
    const json = tinyTokenizer();
    json.model.vocab["<0xG1>"] = 390;
    expect(Tokenizer.parse({ "tokenizer.json": json }).decode([390])).toBe("<0xG1>");
  });

  it("drops the first space of an answer, not of one that continues a text", () => {
    const answer = new StreamDecoder(tokenizer);
    expect(answer.push(id("▁the")) + answer.push(id("▁the"))).toBe("the the");
    const continued = new StreamDecoder(tokenizer, { dropFirstSpace: true });
    continued.prime([id("▁the")]);
    expect(continued.push(id("▁the"))).toBe(" the");
  });

  it("leaves out one space at the start if it is told to, and no other", () => {
    const bytes = ["<0x20>", "<0x20>", "low", "<0x20>", "low"].map(id);
    const pushed = (options: StreamOptions) => {
      const decoder = new StreamDecoder(tokenizer, options);
      return [...bytes.map((one) => decoder.push(one)), decoder.flush()].join("");
    };
    const whole = tokenizer.decode(bytes);
    expect(whole).toMatch(/^ +low low$/);
    expect(pushed({})).toBe(whole);
    expect(pushed({ dropFirstSpace: true })).toBe(whole.slice(1));
    const decoder = new StreamDecoder(tokenizer, { dropFirstSpace: true });
    expect(decoder.push(id("low")) + decoder.push(id("<0x20>"))).toBe("low ");
  });

  it("leaves out one space also of a token that begins with several, and no other white space", () => {
    const first = (text: string) => {
      const source = {
        hasId: () => true,
        isSpecial: () => false,
        decode: (ids: Iterable<number>) => [...ids].map(() => text).join(""),
      };
      return new StreamDecoder(source, { dropFirstSpace: true }).push(0);
    };
    expect(["  two", "\n one", "\tone", " one"].map(first)).toEqual([" two", "\n one", "\tone", "one"]);
  });

  it("passes over special tokens and ids that do not exist", () => {
    const decoder = new StreamDecoder(tokenizer);
    expect([2, 1e6, -1, 1.5].map((other) => decoder.push(other))).toEqual(["", "", "", ""]);
    expect(new StreamDecoder(tokenizer, { skipSpecialTokens: false }).push(2)).toBe("</s>");
  });
});
