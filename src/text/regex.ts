/**
 * Patterns of tokenizer.json as JavaScript regular expressions. The files are written for Oniguruma; the translation
 * (inline flags, possessive quantifiers, Unicode classes, \s) is @huggingface/tokenizers'.
 */
import { SplitPreTokenizer } from "@huggingface/tokenizers";
import { asObject, asString, reject, show } from "./json.ts";

/** Longest pattern that we compile; the longest in use is about 400 characters. */
const MAX_PATTERN_LENGTH = 10_000;

/** Rust's `char::is_whitespace`; JavaScript's \s has U+FEFF besides and lacks U+0085. */
export const WHITE_SPACE = "\\p{White_Space}";

/** \w of Rust's regex crate. */
export const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

/**
 * Compiles `{ "String": ... }` or `{ "Regex": ... }` with the flags "gu".
 * A pattern that backtracks without end cannot be told in advance: what it costs is up to the model's author.
 *
 * @throws FoveaError `unsupported-model` for any other shape and for patterns that JavaScript cannot express
 */
export function compilePattern(value: unknown, where: string): RegExp {
  const pattern = asObject(value, where);
  if (pattern.String !== undefined) return literalPattern(asString(pattern.String, `${where}.String`), where);
  const source = asString(pattern.Regex, `${where}.Regex`);
  if (source.length > MAX_PATTERN_LENGTH)
    reject(where, `a pattern of ${source.length} characters, at most ${MAX_PATTERN_LENGTH} are read`);
  try {
    return translateOniguruma(source);
  } catch (error) {
    reject(where, `the pattern ${show(source)} has no JavaScript form (${(error as Error).message})`, error);
  }
}

/** An Oniguruma pattern as a RegExp with the flags "gu"; throws SyntaxError. */
export function translateOniguruma(source: string): RegExp {
  return new SplitPreTokenizer({ type: "Split", pattern: { Regex: source }, behavior: "Isolated" }).pattern!;
}

function literalPattern(text: string, where: string): RegExp {
  if (text === "") reject(where, "the pattern is empty");
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), "gu");
}
