/** Answers of random schemas: chosen at random among what the grammar allows, they are JSON that the schema accepts. Node only. */
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect } from "vitest";
import type { Matcher } from "../../src/grammar/matcher.ts";
import { walk } from "./grammar-walk.ts";
import { Random } from "./random.ts";
import { randomSchema } from "./random-schema.ts";

/** Walks so many schemas. Fails unless most answers end, and each that did is what its schema accepts. */
export async function walkSchemas(matcher: Matcher, count: number, seed: number): Promise<void> {
  const random = new Random(seed);
  let ended = 0;
  for (let i = 0; i < count; i++) {
    const schema = randomSchema(random);
    const ajv = addFormats.default(new Ajv2020({ strict: false }));
    const validate = ajv.compile(schema);
    const source = { type: "json-schema", text: JSON.stringify(schema) } as const;
    const text = await walk(matcher, source, random).catch((error: Error) =>
      expect.fail(`${source.text}: ${error.message}`),
    );
    if (text === undefined) continue;
    ended++;
    const isValid = validate(parse(text, source.text));
    expect(isValid, `${source.text} gave ${text}: ${ajv.errorsText(validate.errors)}`).toBe(true);
  }
  expect(ended).toBeGreaterThan(count / 2);
}

function parse(text: string, schema: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return expect.fail(`${schema} gave ${text}`);
  }
}
