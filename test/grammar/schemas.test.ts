/** Answers of random schemas: chosen at random among what the grammar allows, they are JSON that the schema accepts. */
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, test } from "vitest";
import { Matcher } from "../../src/grammar/matcher.ts";
import { Random } from "../support/random.ts";
import { randomSchema } from "../support/random-schema.ts";
import { loadGrammarLibrary } from "../support/xgrammar.ts";

const UTF8 = new TextEncoder();
/** Every byte, and tokens that cross the borders of JSON's parts. */
const TOKENS = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...['{"', '": ', '", "', "}]", '"}', '""', "[]", "{}", "true", "null", "12", "-1", "é", "€", ": [", ', "a'].map(
    (text) => UTF8.encode(text),
  ),
];
const END = TOKENS.length;

async function makeMatcher() {
  const bytes = Uint8Array.from([...TOKENS.flatMap((token) => [...token])]);
  const lengths = Uint32Array.from([...TOKENS.map((token) => token.length), 0]);
  return Matcher.create(await loadGrammarLibrary(), { bytes, lengths, endIds: [END] });
}

/** An answer of random tokens; undefined where it has not ended after 400. */
async function walk(matcher: Matcher, source: Parameters<Matcher["begin"]>[0], random: Random) {
  let { mask } = await matcher.begin(source);
  const bytes: number[] = [];
  for (let step = 0; step < 400; step++) {
    const ids = Array.from({ length: END + 1 }, (_, id) => id).filter((id) => (mask[id >> 5]! >>> (id & 31)) & 1);
    if (ids.length === 0) throw new Error("no token is allowed");
    // Ends where it may after a while, and prefers what closes.
    const closing = ids.filter((id) => id === END || (step > 40 && [0x22, 0x5d, 0x7d].includes(TOKENS[id]?.[0] ?? 0)));
    const choices = closing.length > 0 && random.uniform() < 0.6 ? closing : ids;
    const id = choices[random.integer(0, choices.length - 1)]!;
    if (id === END) return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
    bytes.push(...TOKENS[id]!);
    ({ mask } = await matcher.accept(id));
  }
  return undefined;
}

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
