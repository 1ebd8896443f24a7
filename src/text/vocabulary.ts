/**
 * The `model` of tokenizer.json, checked before the library sees it: distinct tokens with distinct ids, and merges of
 * two tokens whose result is a token. @huggingface/tokenizers checks none of this and encodes wrongly without a word.
 */
import { asArray, asBoolean, asIndex, asObject, asString, type JsonObject, reject, show } from "./json.ts";

/** Bound of all ids, so that a damaged file cannot ask for tables of any size; the largest in use are about 262,000. */
export const MAX_IDS = 2 ** 22;

export interface Vocabulary {
  readonly idOf: ReadonlyMap<string, number>;
  /** Token of each id; ids may leave gaps. */
  readonly tokens: readonly (string | undefined)[];
}

/**
 * @param model the `model` of tokenizer.json
 * @returns the vocabulary, and the model as the library is to get it
 * @throws FoveaError `unsupported-model` that names the first bad entry
 */
export function parseModel(model: JsonObject, where = "tokenizer.json: model") {
  // Files from before version 1.0 have no type; those with merges are BPE.
  const type = model.type ?? (model.merges ? "BPE" : undefined);
  if (type !== "BPE") reject(where, `the type ${show(type)} is not supported; BPE is`);
  // Random merges are for training; the prefix is passed over by the library.
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
    const place = () => `${where}.merges[${rank}]`;
    if (!Array.isArray(parts) || parts.length !== 2)
      reject(place(), `expected two parts, got ${show(merge)}; the file is damaged`);
    for (const token of [parts[0], parts[1], `${parts[0]}${parts[1]}`]) {
      if (!idOf.has(token)) reject(place(), `${show(token)} of ${show(merge)} is not in the vocabulary`);
    }
    return parts as [string, string];
  });
  // All merges as pairs: the library takes the form of the first for that of all.
  return { vocabulary, model: { ...model, type, merges, unk_token: unknown, end_of_word_suffix: suffix } };
}

function parseVocabulary(vocab: JsonObject, where: string): Vocabulary {
  const idOf = new Map<string, number>();
  const tokens: (string | undefined)[] = [];
  for (const [token, value] of Object.entries(vocab)) {
    // The place is put together only for a message: this runs once for each of 150,000 tokens.
    const isId = Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_IDS;
    const id = isId ? (value as number) : asIndex(value, `${where}[${show(token)}]`, MAX_IDS);
    if (tokens[id] !== undefined) reject(where, `${show(tokens[id])} and ${show(token)} both have the id ${id}`);
    tokens[id] = token;
    idOf.set(token, id);
  }
  if (idOf.size === 0) reject(where, "the vocabulary is empty");
  return { idOf, tokens };
}
