/** Answers of random schemas: chosen at random among what the grammar allows, they are JSON that the schema accepts. */
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, test } from "vitest";
import type { Matcher } from "../../src/grammar/matcher.ts";
import { makeMatcher, walk } from "../support/grammar-walk.ts";
import { Random } from "../support/random.ts";
import { randomSchema } from "../support/random-schema.ts";

const SEED = 20261129;
const EACH = 25;

describe("500 random schemas", () => {
  let matcher: Matcher;
  beforeAll(async () => {
    matcher = await makeMatcher();
  });

  test.for(Array.from({ length: 20 }, (_, part) => part))("part %i", async (part) => {
    const random = new Random(SEED + part);
    let ended = 0;
    for (let i = 0; i < EACH; i++) {
      const schema = randomSchema(random);
      const ajv = addFormats.default(new Ajv2020({ strict: false }));
      const validate = ajv.compile(schema);
      const source = { type: "json-schema", text: JSON.stringify(schema) } as const;
      const text = await walk(matcher, source, random).catch((error: Error) =>
        expect.fail(`${source.text}: ${error.message}`),
      );
      if (text === undefined) continue;
      ended++;
      expect(
        validate(parse(text, source.text)),
        `${source.text} gave ${text}: ${ajv.errorsText(validate.errors)}`,
      ).toBe(true);
    }
    expect(ended).toBeGreaterThan(EACH / 2);
  });
});

function parse(text: string, schema: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return expect.fail(`${schema} gave ${text}`);
  }
}
