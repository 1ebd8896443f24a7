/** Finds `a < b < c`: Python compares twice, @huggingface/jinja 0.5.11 compares the first result with `c`. */
import type { parse } from "@huggingface/jinja";

const OPENING: ReadonlySet<string> = new Set(["OpenParen", "OpenSquareBracket", "OpenCurlyBracket"]);
const CLOSING: ReadonlySet<string> = new Set(["CloseParen", "CloseSquareBracket", "CloseCurlyBracket"]);
/** Tokens after which a new comparison begins. */
const SEPARATORS: ReadonlySet<string> = new Set([
  "Comma",
  "Colon",
  "Equals",
  "Text",
  "OpenStatement",
  "OpenExpression",
]);
const SEPARATING_WORDS: ReadonlySet<string> = new Set(["and", "or", "not", "if", "else"]);

/**
 * The operators whose left side is a comparison without parentheses, as the parsed template refers to them.
 *
 * @throws Error for "not in" in such a chain, for which the parser makes an operator of its own
 */
export function chainedOperators(tokens: Parameters<typeof parse>[0]): ReadonlySet<unknown> {
  const chained = new Set<unknown>();
  // One entry for each open parenthesis: the comparison that has begun in it.
  const begun: (string | undefined)[] = [undefined];
  for (const [i, token] of tokens.entries()) {
    const { type, value } = token;
    const isWord = type === "Identifier" && tokens[i - 1]?.type !== "Dot";
    const isNegatedIn = isWord && value === "not" && tokens[i + 1]?.value === "in";
    if (OPENING.has(type)) begun.push(undefined);
    else if (CLOSING.has(type)) begun.pop();
    else if (SEPARATORS.has(type)) begun.splice(-1, 1, undefined);
    else if (isWord && SEPARATING_WORDS.has(value) && !isNegatedIn) begun.splice(-1, 1, undefined);
    else if (type === "ComparisonBinaryOperator" || (isWord && value === "in")) {
      const operator = value === "in" && tokens[i - 1]?.value === "not" ? "not in" : value;
      const before = begun.at(-1);
      if (before === "not in" || (before && operator === "not in"))
        throw new Error(`it chains "${before}" and "${operator}"; join two comparisons with "and"`);
      if (before) chained.add(token);
      begun.splice(-1, 1, operator);
    }
  }
  return chained;
}
