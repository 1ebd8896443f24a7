/**
 * From the metadata of a GGUF file to the files that a Hugging Face checkpoint has for text: tokenizer.json,
 * tokenizer_config.json and generation_config.json, as parsed JSON.
 */
import { quoted } from "../../../shared/json.ts";
import type { Architecture } from "./architectures.ts";
import { unsupportedGguf } from "./header-reader.ts";
import { mergesOfScores } from "./merges.ts";
import type { Metadata } from "./metadata.ts";
import { optionalField } from "./optional-field.ts";
import { splitRule } from "./split-rules.ts";
import { type GgufVocabulary, readVocabulary, TOKEN_TYPE } from "./vocabulary.ts";

/** With the names on the hub. */
export interface LanguageFiles {
  "tokenizer.json": Readonly<Record<string, unknown>>;
  "tokenizer_config.json": Readonly<Record<string, unknown>>;
  "generation_config.json": Readonly<Record<string, unknown>>;
}

/** Texts of tokens that end an answer and are control tokens, whatever the file says of them, as llama.cpp takes them. */
const END_TEXTS = [
  ...["<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>"],
  ...["<end_of_utterance>", "<\uff5cend\u2581of\u2581sentence\uff5c>"],
];
/** The same where the file calls it a control token: it may be a plain word, too. */
const END = "</s>";

/** U+2581, which SentencePiece writes for a space. */
const SPACE = "\u2581";

/** The parts of tokenizer.json that depend on the kind of tokenizer. */
interface TokenizerParts {
  model: Readonly<Record<string, unknown>>;
  normalizer: unknown;
  preTokenizer: unknown;
  decoder: unknown;
  addsBos: boolean;
}

/**
 * @param rows of the embedding table
 * @throws FoveaError `bad-weights` for a damaged vocabulary, `unsupported-model` for a kind of tokenizer that is not read
 */
export function describeTokenizer(
  metadata: Metadata,
  rows: number,
  { stripsAfterControls }: Pick<Architecture, "stripsAfterControls"> = {},
): LanguageFiles {
  const vocabulary = withEnds(readVocabulary(metadata, rows));
  const kind = metadata.string("tokenizer.ggml.model");
  const read = kind === "gpt2" ? byteLevel : kind === "llama" ? sentencePiece : undefined;
  if (!read)
    throw unsupportedGguf(
      metadata.file,
      `tokenizer.ggml.model is ${kind === undefined ? "missing" : quoted(kind)}; supported are gpt2, llama`,
    );
  const { model, normalizer, preTokenizer, decoder, addsBos } = read(metadata, vocabulary);
  const { texts, bosId, eosId, unknownId, paddingId } = vocabulary;
  const textOf = (id: number | undefined) => (id === undefined ? undefined : texts[id]);
  const bos = (metadata.boolean("tokenizer.ggml.add_bos_token") ?? addsBos) ? bosId : undefined;
  return {
    "tokenizer.json": {
      version: "1.0",
      added_tokens: addedTokens(vocabulary, kind!, stripsAfterControls === true),
      normalizer,
      pre_tokenizer: preTokenizer,
      post_processor: bos === undefined ? null : beginWith(texts[bos]!, bos),
      decoder,
      model,
    },
    "tokenizer_config.json": {
      ...optionalField("bos_token", textOf(bosId)),
      ...optionalField("eos_token", textOf(eosId)),
      ...optionalField("unk_token", textOf(unknownId)),
      ...optionalField("pad_token", textOf(paddingId)),
      ...optionalField("chat_template", metadata.string("tokenizer.chat_template")),
      // Also where the template writes none, as llama.cpp does. A field of our own.
      every_prompt_begins_with_bos: bos !== undefined,
    },
    "generation_config.json": { eos_token_id: endIds(vocabulary) },
  };
}

/** The vocabulary with the tokens that end an answer as control tokens: some files call them words or user-defined. */
function withEnds(vocabulary: GgufVocabulary): GgufVocabulary {
  const { idOf, types } = vocabulary;
  const ids = END_TEXTS.flatMap((text) => idOf.get(text) ?? []).filter((id) => types[id] !== TOKEN_TYPE.control);
  if (ids.length === 0) return vocabulary;
  const changed = Array.from(types);
  for (const id of ids) changed[id] = TOKEN_TYPE.control;
  return { ...vocabulary, types: changed };
}

function endIds({ eosId, eotId, idOf, types }: GgufVocabulary): number[] {
  const byText = [...END_TEXTS, END]
    .map((text) => idOf.get(text))
    .filter((id) => id !== undefined && types[id] === TOKEN_TYPE.control);
  return [...new Set([eosId, eotId, ...byText].filter((id) => id !== undefined))];
}

function beginWith(text: string, id: number): unknown {
  const special = { id: text, ids: [id], tokens: [text] };
  const begin = { SpecialToken: { id: text, type_id: 0 } };
  const sequence = (name: string) => ({ Sequence: { id: name, type_id: 0 } });
  return {
    type: "TemplateProcessing",
    single: [begin, sequence("A")],
    pair: [begin, sequence("A"), begin, sequence("B")],
    special_tokens: { [text]: special },
  };
}

/** Tokens that are cut out of the text before it becomes words. */
function addedTokens({ texts, types }: GgufVocabulary, kind: string, stripsAfterControls: boolean): unknown[] {
  const added: unknown[] = [];
  const strips = kind === "llama" && stripsAfterControls;
  for (let id = 0; id < texts.length; id++) {
    const isControl = types[id] === TOKEN_TYPE.control || types[id] === TOKEN_TYPE.unknown;
    if ((!isControl && types[id] !== TOKEN_TYPE.userDefined) || texts[id] === "") continue;
    // Runs of spaces are found by merges, where they are written with SentencePiece's mark.
    if (kind === "llama" && !isControl && texts[id]!.includes(SPACE)) continue;
    const rstrip = strips && !["<unk>", "<s>", "<|endoftext|>"].includes(texts[id]!);
    const flags = { single_word: false, lstrip: false, rstrip, normalized: false, special: isControl };
    added.push({ id, content: texts[id]!, ...flags });
  }
  return added;
}

/** Token -> id of all tokens but the unused ones, which no text may become. */
function vocabOf({ texts, types }: GgufVocabulary): Record<string, number> {
  // Without a prototype, so that "__proto__" is a token like others.
  const vocab: Record<string, number> = Object.create(null);
  for (let id = 0; id < texts.length; id++) if (types[id] !== TOKEN_TYPE.unused) vocab[texts[id]!] = id;
  return vocab;
}

function byteLevel(metadata: Metadata, vocabulary: GgufVocabulary): TokenizerParts {
  const rule = splitRule(metadata);
  const key = "tokenizer.ggml.merges";
  const lines = metadata.strings(key);
  if (!lines) throw metadata.bad(`${key} is missing`);
  const { idOf } = vocabulary;
  const merges = lines.map((line, i) => {
    // A part may begin with a space in old files, but none is empty.
    const at = line.indexOf(" ", 1);
    const left = line.slice(0, at);
    const right = line.slice(at + 1);
    if (at < 0 || !idOf.has(left) || !idOf.has(right) || !idOf.has(left + right))
      throw metadata.bad(`${key}[${i}], ${quoted(line)}: its parts and what they make must be tokens`);
    return [left, right] satisfies [string, string];
  });
  return {
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: rule.wholeWords ?? false,
      merges,
      vocab: vocabOf(vocabulary),
    },
    normalizer: rule.normalizer ?? null,
    preTokenizer: rule.steps.length === 1 ? rule.steps[0] : { type: "Sequence", pretokenizers: rule.steps },
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
    addsBos: rule.addsBos ?? false,
  };
}

function sentencePiece(metadata: Metadata, vocabulary: GgufVocabulary): TokenizerParts {
  const key = "tokenizer.ggml.scores";
  const scores = metadata.numbers(key);
  const { texts, types, unknownId = texts.indexOf("<unk>") } = vocabulary;
  if (!scores) throw metadata.bad(`${key} is missing`);
  if (scores.length !== texts.length)
    throw metadata.bad(`${key} has ${scores.length} scores for ${texts.length} tokens`);
  if (!scores.every(Number.isFinite)) throw metadata.bad(`${key} has scores that are no numbers`);
  const isPiece = (id: number) => types[id] === TOKEN_TYPE.normal || types[id] === TOKEN_TYPE.userDefined;
  const hasBytes = vocabulary.idOf.has("<0x00>") && vocabulary.idOf.has("<0xFF>");
  const prefixes = metadata.boolean("tokenizer.ggml.add_space_prefix") ?? true;
  const replace = { type: "Replace", pattern: { String: " " }, content: SPACE };
  const restore = { type: "Replace", pattern: { String: SPACE }, content: " " };
  const strip = { type: "Strip", content: " ", start: 1, stop: 0 };
  return {
    model: {
      type: "BPE",
      dropout: null,
      unk_token: texts[unknownId] ?? null,
      fuse_unk: true,
      byte_fallback: hasBytes,
      ignore_merges: false,
      vocab: vocabOf(vocabulary),
      merges: mergesOfScores(vocabulary, scores, isPiece),
    },
    normalizer: prefixes ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: SPACE }, replace] } : replace,
    preTokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [restore, { type: "ByteFallback" }, { type: "Fuse" }, ...(prefixes ? [strip] : [])],
    },
    addsBos: true,
  };
}
