/** Patterns of tokenizer.json: a literal string, or a regular expression in the syntax of Rust's library. */
import { SplitPreTokenizer } from "@huggingface/tokenizers";
import { type Found, LinearPattern } from "../shared/linear-pattern.ts";
import { asObject, reject, show } from "./json.ts";
import { escapePattern } from "./literal.ts";

/** Finds all matches in a text, from left to right. */
export interface Pattern {
  matches(text: string): Iterable<Found>;
}

/** Bounds the cost of comparing a string at each place of a text; strings in use have a few characters. */
const MAX_STRING_LENGTH = 512;

/** A regular expression of our own, matched by JavaScript's engine. */
export function ownPattern(source: string): Pattern {
  const expression = new RegExp(source, "gu");
  return {
    *matches(text) {
      for (const { index, 0: match } of text.matchAll(expression)) yield { start: index, end: index + match.length };
    },
  };
}

/**
 * Reads a pattern of an untrusted file.
 *
 * @throws FoveaError `unsupported-model` for a pattern that is malformed, cannot be translated or takes more than linear time
 */
export function parsePattern(value: unknown, where: string): Pattern {
  const { Regex: source, String: text } = asObject(value, where);
  if (typeof text === "string" && text !== "") {
    if (text.length > MAX_STRING_LENGTH)
      reject(where, `a string of ${text.length} characters, the limit is ${MAX_STRING_LENGTH}`);
    return ownPattern(escapePattern(text));
  }
  if (typeof source !== "string") reject(where, `expected a string or a regular expression, got ${show(value)}`);
  try {
    return new LinearPattern(translate(source));
  } catch (error) {
    const { message } = error as Error;
    return reject(where, `the expression cannot be read (${message.slice(0, 200)})`, error);
  }
}

/** The same expression in JavaScript's syntax; @huggingface/tokenizers translates it. */
function translate(source: string): string {
  const pattern = { Regex: source };
  const split = new SplitPreTokenizer({ type: "Split", pattern, behavior: "Isolated", invert: false } as never);
  return split.pattern!.source;
}
