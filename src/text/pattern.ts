/** Patterns of tokenizer.json: a string to be found as it is, or a regular expression in the syntax of Rust's library. */
import { SplitPreTokenizer } from "@huggingface/tokenizers";
import { asObject, reject, show } from "./json.ts";
import { escapePattern } from "./literal.ts";

/**
 * Returns a global regular expression. @huggingface/tokenizers translates the syntax.
 *
 * @throws FoveaError `unsupported-model` for a pattern that is malformed or cannot be translated
 */
export function parsePattern(value: unknown, where: string): RegExp {
  const { Regex: source, String: text } = asObject(value, where);
  if (typeof text === "string" && text !== "") return new RegExp(escapePattern(text), "gu");
  if (typeof source !== "string") reject(where, `expected a string or a regular expression, got ${show(value)}`);
  return translate(source, where);
}

/** The same expression for JavaScript. */
export function translate(source: string, where: string): RegExp {
  try {
    const pattern = { Regex: source };
    const split = new SplitPreTokenizer({ type: "Split", pattern, behavior: "Isolated", invert: false } as never);
    return split.pattern!;
  } catch (error) {
    return reject(where, `the expression cannot be read (${(error as Error).message})`, error);
  }
}
