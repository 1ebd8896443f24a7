/** A tokenizer of 340 tokens in the manner of Llama's, with changes, for the tests of this folder. */

// biome-ignore lint/suspicious/noExplicitAny: tokenizer files are untyped JSON, and tests damage them on purpose
export type Json = any;

const CHARACTERS = "abcdefghijklmnopqrstuvwxyzLX0123456789.,!?'[]()<>/ ▁éΣĠĊ";
const BYTES = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
const MERGES = "l o|lo w|t h|th e|e r|▁ the|Ġ the|▁ ▁|w o|wo r|wor d|1 2|o w".split("|");
const TOKENS = ["<unk>", "<s>", "</s>", ...BYTES, ...CHARACTERS, ...MERGES.map((merge) => merge.replace(" ", ""))];

/** Puts "<s>" before and "</s>" behind a text. */
export const IDS_AROUND = {
  type: "TemplateProcessing",
  single: [
    { SpecialToken: { id: "<s>", type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
    { SpecialToken: { id: "</s>", type_id: 0 } },
  ],
  pair: [],
  special_tokens: {},
};

const LLAMA_DECODER = {
  type: "Sequence",
  decoders: [
    { type: "Replace", pattern: { String: "▁" }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    { type: "Strip", content: " ", start: 1, stop: 0 },
  ],
};

/** A fresh copy; `changes` replace fields of the file, `changes.model` fields of its model. */
export function tinyTokenizer({ model, ...fields }: Json = {}): Json {
  return structuredClone({
    added_tokens: [
      { id: 0, content: "<unk>", special: true },
      { id: 2, content: "</s>", special: true },
    ],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: LLAMA_DECODER,
    ...fields,
    model: {
      type: "BPE",
      unk_token: "<unk>",
      byte_fallback: true,
      vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])),
      merges: [...MERGES],
      ...model,
    },
  });
}
