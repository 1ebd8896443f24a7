/** The vocabulary of tokenizer.json's model, checked: distinct tokens, distinct ids. */
import { asArray, asIndex, asObject, asString, type JsonObject, reject, show } from "./json.ts";

/** Bound of all ids, so that a damaged file cannot ask for tables of any size; the largest in use are about 262,000. */
export const MAX_IDS = 2 ** 22;

export interface Vocabulary {
  readonly idOf: ReadonlyMap<string, number>;
  /** Token of each id; ids may leave gaps. */
  readonly tokens: readonly (string | undefined)[];
}

/**
 * A BPE model's `vocab`, token -> id.
 *
 * @throws FoveaError `unsupported-model` that names the first bad entry
 */
export function parseVocabulary(model: JsonObject, where = "tokenizer.json: model"): Vocabulary {
  const idOf = new Map<string, number>();
  const tokens: (string | undefined)[] = [];
  for (const [token, value] of Object.entries(asObject(model.vocab, `${where}.vocab`))) {
    const id = checkedId(value, () => `${where}.vocab[${show(token)}]`);
    const other = tokens[id];
    if (other !== undefined) reject(`${where}.vocab`, `${show(other)} and ${show(token)} both have the id ${id}`);
    tokens[id] = token;
    idOf.set(token, id);
  }
  if (idOf.size === 0) reject(`${where}.vocab`, "the vocabulary is empty");
  return { idOf, tokens };
}

/**
 * A Unigram model's `vocab`, a list of tokens with scores; ids are positions.
 *
 * @throws FoveaError `unsupported-model` that names the first bad entry
 */
export function parseScoredVocabulary(model: JsonObject, where = "tokenizer.json: model") {
  const idOf = new Map<string, number>();
  const tokens: string[] = [];
  const entries = asArray(model.vocab, `${where}.vocab`);
  if (entries.length > MAX_IDS) reject(`${where}.vocab`, `${entries.length} tokens, at most ${MAX_IDS} are read`);
  const scores = new Float64Array(entries.length);
  entries.forEach((entry, id) => {
    const place = `${where}.vocab[${id}]`;
    const [value, score] = asArray(entry, place);
    const token = asString(value, `${place}[0]`);
    if (idOf.has(token)) reject(place, `${show(token)} is there twice`);
    if (typeof score !== "number" || !Number.isFinite(score)) reject(place, `expected a score, got ${show(score)}`);
    idOf.set(token, id);
    tokens.push(token);
    scores[id] = score;
  });
  if (tokens.length === 0) reject(`${where}.vocab`, "the vocabulary is empty");
  return { idOf, tokens, scores };
}

function checkedId(value: unknown, place: () => string): number {
  // The place is put together only for a message: this runs once for each of 150,000 tokens.
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_IDS) return value as number;
  return asIndex(value, place(), MAX_IDS);
}
