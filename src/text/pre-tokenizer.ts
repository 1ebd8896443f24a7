/**
 * Rewrites the pre-tokenizer of tokenizer.json as steps that @huggingface/tokenizers 0.2.0 does as the reference
 * implementation does. Its Split translates patterns well, so most steps become Splits: its Digits knows ASCII digits
 * only, its ByteLevel has JavaScript's \s, its Metaspace never cuts words, and its Split cannot join what it finds to a
 * neighbour. Kinds that stay wrong for common text are refused.
 */
import { asArray, asObject, asString, type JsonObject, reject, show } from "./json.ts";
import { escapePattern } from "./literal.ts";

/** GPT-2's words, as in the reference implementation's ByteLevel. */
const GPT2_WORDS = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * @param value the `pre_tokenizer` of tokenizer.json
 * @throws FoveaError `unsupported-model` that names the step
 */
export function preTokenizerSteps(value: unknown, where = "tokenizer.json: pre_tokenizer"): object[] {
  if (value === null || value === undefined) return [];
  const step = asObject(value, where);
  switch (step.type) {
    case "Sequence":
      return asArray(step.pretokenizers, `${where}.pretokenizers`).flatMap((inner, i) =>
        preTokenizerSteps(inner, `${where}.pretokenizers[${i}]`),
      );
    case "Digits":
      return [isolated(step.individual_digits === true ? "\\p{N}" : "\\p{N}+")];
    case "ByteLevel":
      // The step itself adds a space at the start, before it splits.
      if (step.use_regex === false || step.add_prefix_space !== false) return [step];
      return [isolated(GPT2_WORDS), { ...step, use_regex: false }];
    case "Split":
      return [splitStep(step, where)];
    case "Metaspace": {
      const replacement = asString(step.replacement ?? "▁", `${where}.replacement`);
      // `add_prefix_space` is from before version 0.15.
      const prepend_scheme = step.prepend_scheme ?? (step.add_prefix_space === false ? "never" : "always");
      const marked = { ...step, replacement, prepend_scheme };
      return step.split === false ? [marked] : [marked, joinedToNext(replacement)];
    }
    default:
      return reject(where, `the type ${show(step.type)} is not supported; Split, Digits, ByteLevel and Metaspace are`);
  }
}

function splitStep(step: JsonObject, where: string): object {
  const { Regex, String: text } = asObject(step.pattern, `${where}.pattern`);
  const isText = typeof text === "string" && text !== "";
  if (typeof Regex !== "string" && !isText)
    reject(`${where}.pattern`, `expected a string or a regular expression, got ${show(step.pattern)}`);
  if (step.behavior === "Removed") {
    // For a string, unlike a regular expression, the library puts the string between the words that it separates.
    return isText ? { ...step, pattern: { Regex: escapePattern(text) } } : step;
  }
  if (step.invert !== true) {
    if (step.behavior === "Isolated") return step;
    if (step.behavior === "MergedWithPrevious" && isText) return joinedToPrevious(text);
    if (step.behavior === "MergedWithNext" && isText) return joinedToNext(text);
  }
  return reject(`${where}.behavior`, `${show(step.behavior)} is not supported for ${show(step.pattern)}`);
}

function isolated(source: string): object {
  return { type: "Split", pattern: { Regex: source }, behavior: "Isolated", invert: false };
}

/** Cuts after each occurrence; in a run, each but the first is its own piece. */
function joinedToPrevious(text: string): object {
  const found = escapePattern(text);
  return isolated(`(?:(?!${found})[\\s\\S])+(?:${found})?|${found}`);
}

/** Cuts before each occurrence; in a run, each but the last is its own piece. */
function joinedToNext(text: string): object {
  const found = escapePattern(text);
  return isolated(`(?:${found})?(?:(?!${found})[\\s\\S])+|${found}`);
}
