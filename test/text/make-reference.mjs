// @ts-nocheck: run by hand, on untyped JSON
/**
 * Writes reference.json: what Hugging Face's own tokenizer library (Rust, through the npm package `tokenizers` 0.23.2)
 * makes of the texts and pipelines below. Run by hand, with that package installed outside the project:
 *   node test/text/make-reference.mjs FOLDER_OF_THE_PACKAGE ../shared/real
 * Real tokenizers are read in place; the tiny one is defined here and becomes part of the file.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [, , packageFolder = "", real = ""] = process.argv;
const { Tokenizer } = createRequire(import.meta.url)(packageFolder);

const TEXTS = [
  "Hello, world!",
  " leading and trailing ",
  "a  b   c\t\td\n\n\ne\r\n",
  "I'll say \"don't\", WE'VE, they'Re",
  "1234567890 3.14 ٣٤ ½ ²",
  "naïve café e\u0301 ﬁ Å ẞ İ",
  "日本語の文字 中文 한국어",
  "😀👩‍👩‍👧🏳️‍🌈 flags 🇩🇪",
  "x\u00a0y\u0085z\ufeffw\u2028v\u3000u",
  "ΟΔΥΣΣΕΥΣ Σ",
  "</s>a</s> b </s>",
  "<s><unk><|im_end|>\n<|endoftext|>  <|user|>  hi",
  "▁▁x ▁ Ġ <0x41>",
  "for (let i = 0; i < n; i++) { a[i] += b.c; }\n    return a;",
  "https://example.org/a?b=c&d=e#f",
  "\u0000\u0001\u200b\u202e",
  "!?...---___***",
];

const TINY_TEXTS = [
  "the lower 12",
  " the  Low\tthe's",
  "a[X]b [X]  c",
  "ab words xab ab! abc",
  "Éa é Σ!?x34",
  "</s> the</s>",
];
const S = (text) => ({ String: text });
const R = (source) => ({ Regex: source });
const split = (pattern, behavior, invert = false) => ({ type: "Split", pattern, behavior, invert });
const added = (content, flags = {}) => [
  { id: 0, content: "<unk>", special: true, normalized: false },
  { id: 2, content: "</s>", special: true, normalized: false },
  { id: 340, content, special: false, normalized: false, ...flags },
];

/** What each case puts in place of the tiny tokenizer's own fields. */
const PIPELINES = {
  "no pipeline": {},
  "Llama's normalizer": {
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: S(" "), content: "▁" },
      ],
    },
  },
  "NFD, accents stripped, lowercase": {
    normalizer: { type: "Sequence", normalizers: [{ type: "NFD" }, { type: "StripAccents" }, { type: "Lowercase" }] },
  },
  "replacement with a dollar": { normalizer: { type: "Replace", pattern: R("\\s+"), content: "$&" } },
  "strip left": { normalizer: { type: "Strip", strip_left: true, strip_right: false } },
  "strip right": { normalizer: { type: "Strip", strip_left: false, strip_right: true } },
  "split removed": { pre_tokenizer: split(S(" "), "Removed") },
  "split isolated": { pre_tokenizer: split(R("[aeiou]"), "Isolated") },
  "split merged with previous": { pre_tokenizer: split(R("[aeiou]"), "MergedWithPrevious") },
  "split merged with next": { pre_tokenizer: split(R("[aeiou ]"), "MergedWithNext") },
  "split contiguous": { pre_tokenizer: split(R("[aeiou ]"), "Contiguous") },
  "split inverted": { pre_tokenizer: split(R("\\w+"), "Removed", true) },
  "inline flag": { pre_tokenizer: split(R("(?i:'s|low)|\\p{L}++"), "Removed", true) },
  digits: { pre_tokenizer: { type: "Digits", individual_digits: false } },
  "single digits": { pre_tokenizer: { type: "Digits", individual_digits: true } },
  punctuation: { pre_tokenizer: { type: "Punctuation", behavior: "Removed" } },
  whitespace: { pre_tokenizer: { type: "Whitespace" } },
  "whitespace split": { pre_tokenizer: { type: "WhitespaceSplit" } },
  "byte level": { pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true } },
  "byte level with prefix": {
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: false },
  },
  metaspace: { pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true } },
  "metaspace first": { pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false } },
  "metaspace never": { pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "never", split: true } },
  "added token": { added_tokens: added("[X]") },
  "added token strips left": { added_tokens: added("[X]", { lstrip: true }) },
  "added token strips right": { added_tokens: added("[X]", { rstrip: true }) },
  "added single word": { added_tokens: added("ab", { single_word: true }) },
  "normalized added token": {
    normalizer: { type: "Lowercase" },
    added_tokens: added("[x]", { normalized: true }),
  },
  "no byte fallback, unknowns fused": { model: { byte_fallback: false, fuse_unk: true } },
  "no byte fallback, unknowns apart": { model: { byte_fallback: false, fuse_unk: false } },
  "merges ignored": { model: { ignore_merges: true }, pre_tokenizer: split(S(" "), "Removed") },
  "end of word": { model: { end_of_word_suffix: "</w>" }, pre_tokenizer: split(S(" "), "Removed") },
  unigram: { unigram: { byte_fallback: false } },
  "unigram with bytes": { unigram: { byte_fallback: true } },
  "ids around": {
    post_processor: {
      type: "Sequence",
      processors: [
        { type: "ByteLevel", add_prefix_space: true, trim_offsets: false, use_regex: true },
        {
          type: "TemplateProcessing",
          single: [
            { SpecialToken: { id: "<s>", type_id: 0 } },
            { Sequence: { id: "A", type_id: 0 } },
            { SpecialToken: { id: "</s>", type_id: 0 } },
          ],
          pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
          special_tokens: {
            "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] },
            "</s>": { id: "</s>", ids: [2], tokens: ["</s>"] },
          },
        },
      ],
    },
  },
};

const DECODERS = {
  llama: {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: S("▁"), content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  },
  gemma: {
    type: "Sequence",
    decoders: [{ type: "Replace", pattern: S("▁"), content: " " }, { type: "ByteFallback" }, { type: "Fuse" }],
  },
  "byte level": { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  metaspace: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
  "metaspace never": { type: "Metaspace", replacement: "▁", prepend_scheme: "never", split: true },
  "strip each token": {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: S("▁"), content: " " },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  },
  "strip the end": {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: S("▁"), content: " " },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 0, stop: 2 },
    ],
  },
  none: null,
};
/** Byte tokens in it form whole characters only; see decode-stages.ts for the others. */
const TOKENS = ["▁the", "▁", "low", "<0xC3>", "<0xA9>", "▁", "</s>", "the", "er", "Ġ", "é", "▁▁", "▁"];

function tinyTokenizer() {
  const characters = [
    ..."abcdefghijklmnopqrstuvwxyzLX0123456789.,!?'[]()<>/ ▁éΣĠĊ",
    ..."deghlorstwx"
      .replace(/./g, (c) => `${c}|`)
      .split("|")
      .filter(Boolean)
      .map((c) => `${c}</w>`),
  ];
  const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
  const merges = [
    "l o",
    "lo w",
    "t h",
    "th e",
    "e r",
    "▁ the",
    "Ġ the",
    "▁ ▁",
    "w o",
    "wo r",
    "wor d",
    "e r</w>",
    "1 2",
    "o w",
  ];
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, ...characters, ...merges.map((m) => m.replace(" ", ""))];
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added("[X]").slice(0, 2),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: DECODERS.llama,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** The tiny tokenizer with a case's changes; the test does the same. */
function withCase(tiny, { model, unigram, ...fields }) {
  const json = { ...structuredClone(tiny), ...fields };
  Object.assign(json.model, model);
  if (unigram) {
    const vocab = byId(json.model.vocab).map((token, id) => [token, -((id * 7) % 11) - 1 + token.length / 4]);
    json.model = { type: "Unigram", unk_id: 0, vocab, ...unigram };
  }
  // The reference asks for every flag.
  json.added_tokens = json.added_tokens.map((token) => ({
    single_word: false,
    lstrip: false,
    rstrip: false,
    ...token,
  }));
  return json;
}

const byId = (vocab) => Object.keys(vocab).sort((a, b) => vocab[a] - vocab[b]);
const idsOf = async (tokenizer, text) => (await tokenizer.encode(text, null, { addSpecialTokens: true })).getIds();
const encodeAll = async (tokenizer, texts) => {
  const result = [];
  for (const text of texts) result.push({ text, ids: await idsOf(tokenizer, text) });
  return result;
};

const tiny = tinyTokenizer();
const reference = { tiny, real: {}, pipelines: {}, decoders: {} };
for (const name of ["assembled_llama2", "phi3_mini_llama_vocab", "clip", "assembled_qwen2.5"]) {
  const file = `${real}/tokenizers/${name}/tokenizer.json`;
  reference.real[name] = await encodeAll(Tokenizer.fromString(readFileSync(file, "utf8")), TEXTS);
}
for (const [name, changes] of Object.entries(PIPELINES)) {
  const tokenizer = Tokenizer.fromString(JSON.stringify(withCase(tiny, changes)));
  reference.pipelines[name] = { changes, cases: await encodeAll(tokenizer, TINY_TEXTS) };
}
for (const [name, decoder] of Object.entries(DECODERS)) {
  const tokenizer = Tokenizer.fromString(JSON.stringify(withCase(tiny, { decoder })));
  const ids = TOKENS.map((token) => tiny.model.vocab[token]);
  const cases = [];
  for (const part of [ids, ids.slice(1), ids.slice(5), ids.slice(0, 3)]) {
    for (const skip of [true, false]) cases.push({ ids: part, skip, text: await tokenizer.decode(part, skip) });
  }
  reference.decoders[name] = { decoder, cases };
}
writeFileSync(new URL("reference.json", import.meta.url), `${JSON.stringify(reference)}\n`);
