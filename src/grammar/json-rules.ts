/** JSON on one line as EBNF. */
import { characterClass, complement, literal } from "./ebnf.ts";
import { INTEGER, NUMBER } from "./number-grammar.ts";

export const QUOTE = '"\\u0022"';
export const COMMA = literal(", ");
export const COLON = literal(": ");
/** A character of a string: as it is, or escaped. */
const CHARACTER = characterClass(
  complement([
    [0, 0x1f],
    [0x22, 0x22],
    [0x5c, 0x5c],
  ]),
);
const HEX = "[0-9A-Fa-f]";
// Escapes of surrogates would make strings that are not Unicode: d800 to dfff are left out.
const HEX_ESCAPE = `"u" ([0-9A-Ca-cE-Fe-f] ${HEX} | [dD] [0-7]) ${HEX} ${HEX}`;
/** Rules that every grammar of schemas needs. */
export const JSON_RULES = [
  `json-character ::= ${CHARACTER} | "\\u005c" ([\\u0022\\u005c\\u002fbfnrt] | ${HEX_ESCAPE})`,
  // One rule that calls itself at its end: of "json-character*", the library checks nearly every token anew at each step.
  `json-string ::= ${QUOTE} json-rest`,
  `json-rest ::= ${QUOTE} | json-character json-rest`,
  `json-number ::= ${NUMBER}`,
  `json-integer ::= ${INTEGER}`,
  `json-object ::= "{" (json-string ${COLON} json-value (${COMMA} json-string ${COLON} json-value)*)? "}"`,
  `json-array ::= "[" (json-value (${COMMA} json-value)*)? "]"`,
  'json-value ::= json-string | json-number | json-object | json-array | "true" | "false" | "null"',
];

/** A JSON object of any content. */
export function anyJsonGrammar(): string {
  return ["root ::= json-object", ...JSON_RULES].join("\n");
}
