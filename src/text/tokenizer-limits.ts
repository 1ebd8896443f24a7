/**
 * Bounds the work of a tokenizer.json: the steps of its normalizer, pre-tokenizer and decoder, and the growth of a text
 * in each. See template-budget.ts for the mechanism.
 */
import { isJsonObject } from "../shared/json.ts";
import { type JsonObject, reject, show } from "./json.ts";

/** Steps of a part; published files have up to six. */
const MAX_STEPS = 32;
/** Regular expressions of a part; published files have up to three. */
const MAX_EXPRESSIONS = 8;
/** Characters by which each step of a normalizer may lengthen a text of the longest allowed prompt. */
const MAX_NORMALIZED_GROWTH = 2 ** 16;
/** Longest result of a step on a shorter text, in characters. */
const MAX_NORMALIZED_LENGTH = 2 ** 18 + MAX_NORMALIZED_GROWTH;
/** The largest factor by which a decoder may lengthen a token's text. */
const MAX_DECODED_GROWTH = 64;
/** The most characters that a decoder strips from each end. */
const MAX_STRIPPED = 1024;

/** Throws FoveaError `unsupported-model` for a part with more steps than any published file has. */
export function checkParts(json: JsonObject): void {
  for (const name of ["normalizer", "pre_tokenizer", "decoder"]) {
    const where = `tokenizer.json: ${name}`;
    const steps = stepsOf(json[name]);
    if (steps.length > MAX_STEPS) reject(where, `it has ${steps.length} steps, the limit is ${MAX_STEPS}`);
    const expressions = steps.filter(({ pattern }) => isJsonObject(pattern) && "Regex" in pattern).length;
    if (expressions > MAX_EXPRESSIONS)
      reject(where, `it has ${expressions} regular expressions, the limit is ${MAX_EXPRESSIONS}`);
  }
  checkDecoder(stepsOf(json.decoder), "tokenizer.json: decoder");
}

/** A part's steps: sequences hold others. */
function stepsOf(part: unknown): JsonObject[] {
  if (!isJsonObject(part)) return [];
  const inner = Object.values(part).flatMap((field) => (Array.isArray(field) ? field : []));
  return [part, ...inner.flatMap(stepsOf)];
}

/** The library runs decoders, with JavaScript's regular expressions and without limits. */
function checkDecoder(steps: readonly JsonObject[], where: string): void {
  let growth = 1;
  for (const { type, pattern, content, start, stop } of steps) {
    for (const count of [start, stop]) {
      if (typeof count === "number" && !(count <= MAX_STRIPPED))
        reject(where, `it strips ${count} characters, the limit is ${MAX_STRIPPED}`);
    }
    if (type !== "Replace") continue;
    const text = isJsonObject(pattern) ? pattern.String : undefined;
    if (typeof text !== "string" || text === "")
      reject(where, `the pattern ${show(pattern)} is not supported; { "String": "..." } is`);
    if (typeof content === "string") growth *= Math.max(1, content.length / text.length);
  }
  if (growth > MAX_DECODED_GROWTH)
    reject(where, `it makes text ${Math.ceil(growth)} times as long, the limit is ${MAX_DECODED_GROWTH}`);
}

/** A normalizer that throws RangeError for a result that is too long. */
export function bounded(normalize: (text: string) => string): (text: string) => string {
  return (text) => {
    const normalized = normalize(text);
    checkNormalized(text, normalized.length);
    return normalized;
  };
}

/**
 * Throws RangeError if a step makes this text too long. A text may be longer than a prompt: marks of users' text do not
 * count there, and `encode` checks the length without them.
 */
export function checkNormalized(text: string, length: number): void {
  if (length > Math.max(MAX_NORMALIZED_LENGTH, text.length + MAX_NORMALIZED_GROWTH))
    throw new RangeError(
      `the tokenizer's normalizer makes ${length} characters of ${text.length}, the limit is ${MAX_NORMALIZED_LENGTH}; shorten the text`,
    );
}
