/** The form that an answer must have, as a request asks for it. */

export type AnswerFormat =
  /** A JSON object of any content, on one line. */
  | { type: "json" }
  /** JSON that a schema accepts, on one line. Keywords that cannot be followed are refused by name. */
  | { type: "json-schema"; schema: object }
  /** Text that a JavaScript regular expression matches as a whole. */
  | { type: "regex"; pattern: string }
  /** One of these texts. */
  | { type: "choice"; options: string[] }
  /** Text of a grammar in XGrammar's EBNF; its first rule is called `root`. */
  | { type: "grammar"; ebnf: string };
