/** Strings with bounds on their length: the masks are those of the grammar that spells the bounds out, and cost little. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, test } from "vitest";
import { JSON_RULES } from "../../src/grammar/json-rules.ts";
import { Matcher } from "../../src/grammar/matcher.ts";
import type { GrammarVocabulary } from "../../src/grammar/protocol.ts";
import { SchemaGrammar } from "../../src/grammar/schema-grammar.ts";
import { makeMatcher, tokenAt, walk } from "../support/grammar-walk.ts";
import { Random } from "../support/random.ts";
import { loadGrammarLibrary } from "../support/xgrammar.ts";

const object = (properties: object) => ({ type: "object", properties, required: Object.keys(properties) });
const text = (minLength: number, maxLength?: number) => ({ type: "string", minLength, maxLength });

/** The grammar of a schema that spells lengths out. */
function speltOut(schema: object): string {
  const grammar = new SchemaGrammar(schema as never);
  return [`root ::= ${grammar.whole()}`, ...grammar.rules, ...JSON_RULES].join("\n");
}

const idsOf = (mask: Uint32Array) =>
  Array.from(mask, (word, i) => Array.from({ length: 32 }, (_, bit) => ((word >>> bit) & 1 ? 32 * i + bit : -1)))
    .flat()
    .filter((id) => id >= 0);

let matcher: Matcher;
let exact: Matcher;
beforeAll(async () => {
  matcher = await makeMatcher();
  exact = await makeMatcher();
});

describe("masks of random answers", () => {
  test.each<[string, object]>([
    ["at most 4", object({ a: text(0, 4) })],
    ["3 to 5", object({ a: text(3, 5), b: { type: "integer" } })],
    ["at least 2", object({ a: text(2) })],
    [
      "exactly 6, and others",
      object({ a: text(6, 6), b: text(0, 1), c: { type: "string" }, d: { enum: ["é", 'q"'] } }),
    ],
    ["none", object({ a: text(0, 0) })],
    [
      "in a list, or null",
      object({ a: { type: "array", items: { anyOf: [text(1, 3), { type: "null" }] }, maxItems: 3 } }),
    ],
    ["names", { type: "object", propertyNames: { maxLength: 3 }, additionalProperties: text(0, 2) }],
    ["two strings at one place", object({ a: { anyOf: [text(0, 2), { enum: ["a long word"] }, text(7, 8)] } })],
    [
      "objects of contrary bounds",
      { anyOf: [object({ a: text(0, 2), b: text(0) }), object({ a: text(5, 6), c: text(0) })] },
    ],
  ])("%s", async (_, schema) => {
    const random = new Random(JSON.stringify(schema).length);
    const shares: number[] = [];
    for (let round = 0; round < 12; round++) {
      let { mask } = await matcher.begin({ type: "json-schema", text: JSON.stringify(schema) });
      let want = (await exact.begin({ type: "grammar", text: speltOut(schema) })).mask;
      let soFar = "";
      for (let step = 0; step < 60; step++) {
        const [ids, wanted] = [idsOf(mask), idsOf(want)];
        const missing = wanted.filter((id) => !ids.includes(id));
        expect(
          ids.filter((id) => !wanted.includes(id)).map(tokenAt),
          `tokens that break the bounds after ${soFar}`,
        ).toEqual([]);
        // Only those that begin a string with more than its quote may be missing: others spell the same.
        expect(missing.map(tokenAt).filter((token) => !/"./s.test(token))).toEqual([]);
        shares.push(ids.length / wanted.length);
        // Often a quote or a backslash, so that strings end and escapes begin.
        const rare = ids.filter((id) => /["\\]/.test(tokenAt(id)));
        const id = random.uniform() < 0.3 && rare.length > 0 ? pick(random, rare) : pick(random, ids);
        if (tokenAt(id) === "") break;
        soFar += tokenAt(id);
        mask = (await matcher.accept(id)).mask;
        want = (await exact.accept(id)).mask;
      }
    }
    expect(shares.length).toBeGreaterThan(12);
  });
});

test.each<[number, number]>([
  [90, 100],
  [0, 120],
])("answers of %i to %i characters", async (least, most) => {
  const schema = object({ a: text(least, most), b: { type: "boolean" } });
  const validate = new Ajv2020().compile(schema);
  const random = new Random(least + most);
  let longest = 0;
  for (let round = 0; round < 6; round++) {
    const answer = await walk(matcher, { type: "json-schema", text: JSON.stringify(schema) }, random, "\u0000");
    if (answer === undefined) continue;
    expect(validate(JSON.parse(answer)), answer).toBe(true);
    longest = Math.max(longest, [...(JSON.parse(answer) as { a: string }).a].length);
  }
  expect(longest).toBeGreaterThanOrEqual(least);
});

test("objects that a choice leaves open follow the bounds of both", async () => {
  const schema = { anyOf: [object({ a: text(0, 9), b: text(0, 2) }), object({ a: text(2, 30), c: text(3) })] };
  const validate = new Ajv2020({ strict: false }).compile(schema);
  const random = new Random(5);
  let ended = 0;
  for (let round = 0; round < 20; round++) {
    const answer = await walk(matcher, { type: "json-schema", text: JSON.stringify(schema) }, random);
    if (answer === undefined) continue;
    ended++;
    expect(validate(JSON.parse(answer)), answer).toBe(true);
  }
  expect(ended).toBeGreaterThan(10);
});

test.each<[object, RegExp]>([
  [text(5, 3), /nothing can satisfy .*minLength 5, maxLength 3/],
  [{ anyOf: [text(0, 3000), { enum: ["a"] }] }, /a repetition of 0 to 3000: at most 2000/],
])("refuses %j", async (schema, message) => {
  const source = { type: "json-schema", text: JSON.stringify(object({ a: schema })) } as const;
  await expect(matcher.begin(source)).rejects.toThrow(message);
});

test("a token costs a tenth of what the library takes for a bounded repetition", { timeout: 60_000 }, async () => {
  const vocabulary = words(8000);
  const model = await Matcher.create(await loadGrammarLibrary(), vocabulary);
  const schema = object({ a: text(0, 400) });
  const timeOf = async (source: Parameters<Matcher["begin"]>[0]) => {
    await model.begin(source);
    for (const character of '{"a": "') await model.accept(character.charCodeAt(0));
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      await model.accept(97 + i);
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b)[10]!;
  };
  const counted = await timeOf({ type: "json-schema", text: JSON.stringify(schema) });
  const repeated = await timeOf({ type: "grammar", text: speltOut(schema) });
  expect(counted).toBeLessThan(repeated / 10);
});

/** Bytes, and words of letters. */
function words(size: number): GrammarVocabulary {
  const tokens = Array.from({ length: size }, (_, id) => {
    if (id < 256) return Uint8Array.of(id);
    const letters = Array.from(id.toString(36), (digit) => 97 + (Number.parseInt(digit, 36) % 26));
    return Uint8Array.from(id % 2 === 0 ? [32, ...letters] : letters);
  });
  const lengths = Uint32Array.from([...tokens.map((token) => token.length), 0]);
  return { bytes: Uint8Array.from(tokens.flatMap((token) => [...token])), lengths, endIds: [size] };
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.integer(0, list.length - 1)]!;
}
