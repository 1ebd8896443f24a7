/** Schemas from outside that no grammar can express: refused in one sentence of readable length. */
import { expect, test } from "vitest";
import { FormatError } from "../../src/grammar/ebnf.ts";
import { schemaGrammar } from "../../src/grammar/schema-grammar.ts";

// JSON may hold an object that no text can be made of.
const WORDLESS = { toString: 2, valueOf: 3 };

test.for([
  [{ type: "object", required: [WORDLESS] }, "the schema.required must be a list of names"],
  [{ type: "string", format: WORDLESS }, 'the format {"toString":2,"valueOf":3} in the schema cannot be followed'],
  [{ $ref: WORDLESS }, 'the schema.$ref must point into the schema itself, as "#/$defs/name"'],
  [{ type: "object", patternProperties: null }, "the schema.patternProperties must be an object"],
  [{ type: "object", properties: { a: {} }, required: [WORDLESS] }, "the schema.required must be a list of names"],
  [{ type: "string", pattern: "a".repeat(8193) }, "a pattern has 8193 characters; at most 8192"],
] as const)("%j", ([schema, message]) => {
  expect(() => schemaGrammar(schema)).toThrow(message);
  expect(() => schemaGrammar(schema)).toThrow(FormatError);
});

test("a long name is shortened in the middle", () => {
  const name = "n".repeat(20_000);
  const schema = { type: "object", properties: { [name]: { not: {} } } };
  expect(() => schemaGrammar(schema)).toThrow(/^the keyword "not" in the schema\.n+ \.\.\. n+ cannot be followed/);
  expect(() => schemaGrammar(schema)).toThrow(/^.{100,620}$/);
});
