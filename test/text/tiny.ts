/** The tiny tokenizer of reference.json, with changes, for the tests of this folder. */
import reference from "./reference.json" with { type: "json" };

// biome-ignore lint/suspicious/noExplicitAny: tokenizer files are untyped JSON, and tests damage them on purpose
export type Json = any;

export const tinyReference = reference as Json;

/** A fresh copy of the tiny tokenizer; `changes` as in make-reference.mjs. */
export function tinyTokenizer({ model, unigram, ...fields }: Json = {}): Json {
  const json = { ...structuredClone(tinyReference.tiny), ...structuredClone(fields) };
  Object.assign(json.model, model);
  if (unigram) {
    // By id: JavaScript lists keys that are numbers first.
    const ids = json.model.vocab;
    const tokens = Object.keys(ids).sort((a, b) => ids[a] - ids[b]);
    const vocab = tokens.map((token, id) => [token, -((id * 7) % 11) - 1 + token.length / 4]);
    json.model = { type: "Unigram", unk_id: 0, vocab, ...unigram };
  }
  return json;
}
