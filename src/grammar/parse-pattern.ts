/** Parses patterns, for the files that read their parts. */
import { type AST, RegExpParser } from "@eslint-community/regexpp";

/** A regular expression of JavaScript under the flag "u". Throws SyntaxError for an invalid one. */
export function parsePattern(source: string): AST.Pattern {
  return new RegExpParser({ ecmaVersion: 2024 }).parsePattern(source, 0, source.length, { unicode: true });
}
