import { expect, test } from "vitest";
import { Tokenizer } from "../../../../src/text/tokenizer.ts";
import { memorySource } from "../../../../src/weights/byte-source.ts";
import { ARCHITECTURES } from "../../../../src/weights/formats/gguf/architectures.ts";
import { readGguf } from "../../../../src/weights/formats/gguf/container.ts";
import { architectureOf } from "../../../../src/weights/formats/gguf/language.ts";
import { describeTokenizer } from "../../../../src/weights/formats/gguf/tokenizer.ts";
import { type GgufValue, writeGguf } from "../../../support/gguf-file.ts";
import { describeShared, needing, sharedBytes, sharedJson } from "../../../support/shared.ts";

const CASES = [
  ...["gguf-llama-f16", "gguf-llama-q8_0", "gguf-llama-q4_1", "gguf-llama-q5_0", "gguf-llama-iq4_nl"],
  ...["gguf-llama-iq4_xs", "gguf-llama-q4_k_m", "gguf-qwen2-bf16", "gguf-qwen2-q4_0", "gguf-qwen2-q5_1"],
  ...["gguf-qwen2-q5_k", "gguf-qwen2-q4_k_m-fallback", "gguf-llava-mlp"],
];

interface Case {
  files: string[];
  tokenizer: { text: string; ids: number[] }[];
  eos: number[];
  addsBos?: boolean;
  prompts: { text: string; ids: number[]; greedy: number[] }[];
}

describeShared(needing("golden/formats", "golden tokenizers"), () => {
  test.for(CASES)("%s", async (folder) => {
    const root = `golden/formats/${folder}`;
    const golden = await sharedJson<Case>(`${root}/case.json`);
    const file = golden.files[0]!;
    const header = await readGguf(memorySource(file, await sharedBytes(`${root}/model/${file}`)));
    const rows = header.tensors.get("token_embd.weight")!.shape[0]!;
    const files = describeTokenizer(header.metadata, rows, architectureOf(header).architecture);
    const tokenizer = Tokenizer.parse(files);
    for (const { text, ids } of golden.tokenizer)
      expect(tokenizer.encode(text, { addSpecialTokens: false }), text).toEqual(ids);
    if (folder !== "gguf-llava-mlp")
      for (const { text, ids } of golden.prompts) expect(tokenizer.encodePrompt([text]), text).toEqual(ids);
    expect(tokenizer.eosIds).toEqual(expect.arrayContaining(golden.eos));
  });
});

interface PublishedTokenizer {
  added_tokens: { id: number; content: string; special: boolean }[];
  model: { vocab: Record<string, number>; merges: (string | [string, string])[] };
}

/** A published tokenizer.json as the metadata that a conversion makes of it. */
async function convert(folder: string, more: Record<string, GgufValue>) {
  const { model, added_tokens } = await sharedJson<PublishedTokenizer>(`real/tokenizers/${folder}/tokenizer.json`);
  const texts: string[] = [];
  const types: number[] = [];
  for (const [text, id] of Object.entries(model.vocab)) {
    texts[id] = text;
    types[id] = more["tokenizer.ggml.model"] === "llama" && /^<0x..>$/.test(text) ? 6 : 1;
  }
  for (const { id, content, special } of added_tokens) {
    texts[id] = content;
    types[id] = special ? 3 : 4;
  }
  // A SentencePiece model scores its pieces in the order of their merges, and runs of spaces below all others.
  const scores = Float32Array.from(texts, (text, id) => (id < 259 ? 0 : /^▁▁+$/.test(text) ? -1e9 : 259 - id));
  const file = writeGguf({
    "tokenizer.ggml.tokens": texts,
    "tokenizer.ggml.token_type": Int32Array.from(types),
    ...(more["tokenizer.ggml.model"] === "llama"
      ? { "tokenizer.ggml.scores": scores }
      : {
          "tokenizer.ggml.merges": model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" "))),
        }),
    ...more,
  });
  const { metadata } = await readGguf(memorySource("converted.gguf", file));
  return Tokenizer.parse(
    describeTokenizer(metadata, texts.length, ARCHITECTURES[more["general.architecture"] as string]),
  );
}

const PUBLISHED: [folder: string, metadata: Record<string, GgufValue>][] = [
  ["assembled_llama2", { "tokenizer.ggml.model": "llama", "tokenizer.ggml.bos_token_id": 1 }],
  [
    "phi3_mini_llama_vocab",
    {
      "general.architecture": "phi3",
      "tokenizer.ggml.model": "llama",
      "tokenizer.ggml.bos_token_id": 1,
      "tokenizer.ggml.add_bos_token": false,
    },
  ],
  ["assembled_qwen2.5", { "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2" }],
];

const HARD_TEXTS = [
  ...["  leading and   inner    runs of spaces     ", "a\tb\r\n\r\nc\n \n  d", "I'LL they've don't 'S", "…«ñ»—ß ẞ İi"],
  ...[
    "x=12345.678e-9; y[0]+=0xFF//comment",
    "日本語テキストと漢字、한국어 그리고 русский текст",
    "👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 \u00a0nbsp\u200b",
  ],
  ...[
    "<|im_start|>user<|im_end|><s></s><unk>",
    "<|user|>\n Hi<|end|>\n<|assistant|>  ok",
    "aaaaaaaaaaaaaaaaaaaaaaaaa",
    "▁▁under ▁ score",
  ],
];

describeShared(needing("real/tokenizers", "a published tokenizer converted to metadata"), () => {
  test.for(PUBLISHED)("%s gives the ids of Hugging Face", { timeout: 120_000 }, async ([folder, metadata]) => {
    const all = await sharedJson<Record<string, { text: string; ids: number[]; decoded: string }[]>>(
      "real/tokenizers/reference_ids.json",
    );
    const converted = await convert(folder, metadata);
    for (const { text, ids, decoded } of all[folder]!) {
      expect(converted.encode(text), text).toEqual(ids);
      expect(converted.decode(ids)).toBe(decoded);
    }
    const published = Tokenizer.parse({
      "tokenizer.json": await sharedJson<object>(`real/tokenizers/${folder}/tokenizer.json`),
    });
    for (const text of HARD_TEXTS) {
      // The published file finds this vocabulary's control tokens in normalized text only, unlike llama.cpp.
      if (folder === "assembled_llama2" && /<s>/.test(text)) continue;
      const ids = published.encode(text);
      expect(converted.encode(text), text).toEqual(ids);
      expect(converted.decode(ids)).toBe(published.decode(ids));
    }
  });
});
