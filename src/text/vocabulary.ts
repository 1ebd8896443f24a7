/**
 * The `model` of tokenizer.json, checked before it is used. Tokens and ids are distinct, merges join two tokens into a
 * token, and scores are numbers. @huggingface/tokenizers checks none of this and encodes wrongly instead.
 */
import { asArray, asBoolean, asIndex, asObject, asString, type JsonObject, reject, show } from "./json.ts";
import type { UnigramConfig } from "./unigram.ts";
import type { WordsConfig } from "./words.ts";

/** Bound of all ids, so that a damaged file cannot ask for tables of any size; the largest in use are about 262,000. */
export const MAX_IDS = 2 ** 22;

export interface Vocabulary {
  readonly idOf: ReadonlyMap<string, number>;
  /** Token of each id; ids may leave gaps. */
  readonly tokens: readonly (string | undefined)[];
}

/** A checked model: the library's BPE, our own Unigram, or a model of whole words. */
export type CheckedModel =
  | { readonly bpe: JsonObject }
  | { readonly unigram: UnigramConfig }
  | { readonly words: WordsConfig };

/**
 * @param model the `model` of tokenizer.json
 * @throws FoveaError `unsupported-model` that names the first bad entry
 */
export function parseModel(
  model: JsonObject,
  where = "tokenizer.json: model",
): { vocabulary: Vocabulary; model: CheckedModel } {
  // Files from before version 1.0 have no type; those with merges are BPE.
  const type = model.type ?? (model.merges ? "BPE" : undefined);
  if (type === "Unigram") return parseUnigram(model, where);
  if (type === "WordPiece" || type === "WordLevel") return parseWords(model, type, where);
  if (type !== "BPE") reject(where, `the type ${show(type)} is not supported; BPE, Unigram, WordPiece, WordLevel are`);
  return parseBpe(model, where);
}

function parseBpe(model: JsonObject, where: string) {
  // Random merges are for training; the library ignores the prefix.
  for (const field of ["dropout", "continuing_subword_prefix"]) {
    if (model[field]) reject(`${where}.${field}`, `${show(model[field])} is not supported`);
  }
  for (const field of ["byte_fallback", "fuse_unk", "ignore_merges"])
    asBoolean(model[field], `${where}.${field}`, false);
  const vocabulary = parseVocabulary(asObject(model.vocab, `${where}.vocab`), `${where}.vocab`);
  const { idOf } = vocabulary;
  const unknown = model.unk_token ? asString(model.unk_token, `${where}.unk_token`) : null;
  if (unknown !== null && !idOf.has(unknown)) reject(`${where}.unk_token`, `${show(unknown)} is not in the vocabulary`);
  const suffix = model.end_of_word_suffix ? asString(model.end_of_word_suffix, `${where}.end_of_word_suffix`) : null;

  const merges = asArray(model.merges, `${where}.merges`).map((merge, rank) => {
    const parts = typeof merge === "string" ? merge.split(" ") : merge;
    if (!Array.isArray(parts) || parts.length !== 2)
      reject(`${where}.merges[${rank}]`, `expected two parts, got ${show(merge)}; the file is damaged`);
    const [left, right] = parts as unknown[];
    if (typeof left === "string" && typeof right === "string") {
      if (idOf.has(left) && idOf.has(right) && idOf.has(left + right)) return parts as [string, string];
    }
    // Messages are put together here only: files have up to 300,000 merges.
    const place = `${where}.merges[${rank}]`;
    const texts = [asString(left, place), asString(right, place)];
    const unknown = [...texts, texts.join("")].find((token) => !idOf.has(token));
    return reject(place, `${show(unknown)} of ${show(merge)} is not in the vocabulary`);
  });
  // All merges as pairs: the library takes the form of the first for that of all.
  const bpe = { ...model, type: "BPE", merges, unk_token: unknown, end_of_word_suffix: suffix };
  return { vocabulary, model: { bpe } };
}

/** Bounds the cost of a character, which is as many steps as the longest piece has; SentencePiece itself allows 16. */
const MAX_PIECE_LENGTH = 128;

function parseUnigram(model: JsonObject, where: string) {
  const idOf = new Map<string, number>();
  const vocab = asArray(model.vocab, `${where}.vocab`).map((entry, id): [string, number] => {
    const [piece, score] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof piece !== "string" || piece.length > MAX_PIECE_LENGTH || !Number.isFinite(score))
      reject(`${where}.vocab[${id}]`, `expected a piece and its score, got ${show(entry)}`);
    if (idOf.has(piece)) reject(where, `${show(piece)} has the ids ${idOf.get(piece)} and ${id}`);
    idOf.set(piece, id);
    return [piece, score as number];
  });
  if (vocab.length === 0 || vocab.length > MAX_IDS) reject(where, `a vocabulary of ${vocab.length} pieces`);
  const unk_id = asIndex(model.unk_id, `${where}.unk_id`, vocab.length);
  const byte_fallback = asBoolean(model.byte_fallback, `${where}.byte_fallback`, false);
  const tokens = vocab.map(([piece]) => piece);
  return { vocabulary: { idOf, tokens }, model: { unigram: { vocab, unk_id, byte_fallback } } };
}

/** Bounds the cost of a word, which grows with the square of its length; BERT has 100. */
const MAX_WORD_LENGTH = 200;

function parseWords(model: JsonObject, type: WordsConfig["type"], where: string) {
  const vocab = asObject(model.vocab, `${where}.vocab`);
  const vocabulary = parseVocabulary(vocab, `${where}.vocab`);
  const unk_token = asString(model.unk_token, `${where}.unk_token`);
  if (!vocabulary.idOf.has(unk_token)) reject(`${where}.unk_token`, `${show(unk_token)} is not in the vocabulary`);
  const words: WordsConfig = {
    type,
    vocab: vocab as Readonly<Record<string, number>>,
    unk_token,
    continuing_subword_prefix: asString(model.continuing_subword_prefix ?? "##", `${where}.continuing_subword_prefix`),
    max_input_chars_per_word: asIndex(
      model.max_input_chars_per_word ?? 100,
      `${where}.max_input_chars_per_word`,
      MAX_WORD_LENGTH + 1,
    ),
  };
  return { vocabulary, model: { words } };
}

function parseVocabulary(vocab: JsonObject, where: string): Vocabulary {
  const idOf = new Map<string, number>();
  const tokens: (string | undefined)[] = [];
  for (const [token, value] of Object.entries(vocab)) {
    // The place is built only for a message, because this runs for each of 150,000 tokens.
    const isId = Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_IDS;
    const id = isId ? (value as number) : asIndex(value, `${where}[${show(token)}]`, MAX_IDS);
    if (tokens[id] !== undefined) reject(where, `${show(tokens[id])} and ${show(token)} both have the id ${id}`);
    tokens[id] = token;
    idOf.set(token, id);
  }
  if (idOf.size === 0) reject(where, "the vocabulary is empty");
  return { idOf, tokens };
}
