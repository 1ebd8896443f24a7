/**
 * The `post_processor` of tokenizer.json, reduced to what it does to one text: ids before and ids behind. Pairs of
 * texts, type ids and offsets do not concern a generating model.
 */
import { asArray, asIndex, asObject, asString, type JsonObject, reject, show, typeOf } from "./json.ts";

export interface Affixes {
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}

const NONE: Affixes = { prefix: [], suffix: [] };

/**
 * @param limit ids must be below
 * @throws FoveaError `unsupported-model` for a type or field that is not known
 */
export function buildAffixes(value: unknown, limit: number, where = "tokenizer.json: post_processor"): Affixes {
  if (value === null || value === undefined) return NONE;
  const config = asObject(value, where);
  const type = typeOf(config, where);
  switch (type) {
    case "ByteLevel":
      // Concerns offsets only.
      return NONE;
    case "BertProcessing":
    case "RobertaProcessing":
      return {
        prefix: [asIndex(asArray(config.cls, `${where}.cls`)[1], `${where}.cls[1]`, limit)],
        suffix: [asIndex(asArray(config.sep, `${where}.sep`)[1], `${where}.sep[1]`, limit)],
      };
    case "TemplateProcessing":
      return template(config, limit, where);
    case "Sequence":
      // Each step wraps what the one before it made.
      return asArray(config.processors, `${where}.processors`)
        .map((step, i) => buildAffixes(step, limit, `${where}.processors[${i}]`))
        .reduce(
          (inner, outer) => ({
            prefix: [...outer.prefix, ...inner.prefix],
            suffix: [...inner.suffix, ...outer.suffix],
          }),
          NONE,
        );
    default:
      return reject(where, `the post-processor type "${type}" is not supported`);
  }
}

function template(config: JsonObject, limit: number, where: string): Affixes {
  const specialTokens = asObject(config.special_tokens ?? {}, `${where}.special_tokens`);
  const prefix: number[] = [];
  const suffix: number[] = [];
  let sequences = 0;
  asArray(config.single, `${where}.single`).forEach((value, i) => {
    const place = `${where}.single[${i}]`;
    const item = asObject(value, place);
    if (item.Sequence !== undefined) {
      const name = asObject(item.Sequence, `${place}.Sequence`).id;
      if (name !== "A") reject(place, `expected the sequence "A", got ${show(name)}`);
      sequences++;
      return;
    }
    const name = asString(asObject(item.SpecialToken, `${place}.SpecialToken`).id, `${place}.SpecialToken.id`);
    if (!Object.hasOwn(specialTokens, name)) reject(place, `${show(name)} is not among the special tokens`);
    const token = asObject(specialTokens[name], `${where}.special_tokens[${show(name)}]`);
    const ids = asArray(token.ids, `${where}.special_tokens[${show(name)}].ids`);
    for (const id of ids) (sequences === 0 ? prefix : suffix).push(asIndex(id, `${place}: id`, limit));
  });
  if (sequences !== 1) reject(`${where}.single`, `expected the sequence "A" once, found it ${sequences} times`);
  return { prefix, suffix };
}
