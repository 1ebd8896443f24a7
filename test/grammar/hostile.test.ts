/** Schemas that nobody draws at random: what is followed is valid JSON of the schema, the rest is refused in one sentence. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, test } from "vitest";
import { FormatError } from "../../src/grammar/ebnf.ts";
import { formatSource } from "../../src/grammar/format-source.ts";
import type { Matcher } from "../../src/grammar/matcher.ts";
import { schemaGrammar } from "../../src/grammar/schema-grammar.ts";
import { makeMatcher, walk } from "../support/grammar-walk.ts";
import { Random } from "../support/random.ts";

let matcher: Matcher;
beforeAll(async () => {
  matcher = await makeMatcher();
});

/** Properties whose names programs trip over; an own "__proto__" comes from JSON's text only. */
const NAMES = ["__proto__", "constructor", "toString", "", " ", 'a"b', "a\\b", "line\nline", "größe", "日本", "👩‍🚀"];
const ODD_NAMES = JSON.parse(
  `{"type":"object","properties":{${NAMES.map((name) => `${JSON.stringify(name)}:{"type":"integer","minimum":0,"maximum":9}`)}},"required":${JSON.stringify(NAMES)}}`,
) as object;

const LIST = { type: "object", properties: { value: { type: "integer" }, next: { $ref: "#/$defs/list" } } };
/** Forty levels, each of which names the next one twice: 2 ** 40 paths. */
const DOUBLING = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => {
    const next = i === 39 ? { type: "null" } : { $ref: `#/$defs/d${i + 1}` };
    return [`d${i}`, { type: "object", properties: { a: next, b: next }, required: ["a", "b"] }];
  }),
);

const FOLLOWED: [string, object][] = [
  ["odd names", ODD_NAMES],
  ["a list of itself", { $ref: "#/$defs/list", $defs: { list: LIST } }],
  [
    "two that hold each other",
    {
      $ref: "#/$defs/a",
      $defs: {
        a: { type: "array", items: { $ref: "#/$defs/b" }, maxItems: 1 },
        b: { anyOf: [{ type: "null" }, { $ref: "#/$defs/a" }] },
      },
    },
  ],
  ["5,000 words", { enum: Array.from({ length: 5000 }, (_, i) => `word-${(i * 7919) % 65536}`) }],
  ["values of all kinds", { enum: [null, true, -0.5, "é\u2028\u0000", "\udc00", [1, { b: [] }], { "a b": 'x"y' }] }],
  ["a constant with a name of JavaScript", JSON.parse('{"const":{"__proto__":{"a":1}}}') as object],
  ["equal bounds", { type: "number", minimum: 2.5, maximum: 2.5 }],
  ["bounds of 64 bits", { type: "integer", minimum: -(2 ** 63), maximum: 2 ** 63 - 1 }],
  ["bounds of floats", { type: "number", minimum: 0, maximum: 1.7976931348623157e308 }],
  ["a bound beyond exponents", { type: "number", minimum: -1e21, maximum: -3 }],
  ["a format of integers", { type: "integer", format: "int32", minimum: 1, maximum: 300 }],
  ["keywords of other types", { type: "boolean", minLength: 3, minimum: 5, items: false, properties: { a: false } }],
  [
    "a reference with a description",
    { type: "array", items: { $ref: "#/$defs/a", description: "d" }, maxItems: 2, $defs: { a: { const: "x" } } },
  ],
  ["a reference with escapes", { $ref: "#/$defs/a~1b%20~0c", $defs: { "a/b ~c": { enum: ["yes"] } } }],
  [
    "a choice in a default",
    {
      type: "object",
      default: { anyOf: [1, 2] },
      properties: {
        a: { type: "string", minLength: 2, maxLength: 2 },
        b: { type: "string", minLength: 3, maxLength: 3 },
      },
      required: ["a", "b"],
    },
  ],
];

describe("followed", () => {
  test.for(FOLLOWED)("%s", { timeout: 60_000 }, async ([, schema]) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const source = formatSource({ type: "json-schema", schema });
    const random = new Random(11);
    let ended = 0;
    for (let i = 0; i < 8; i++) {
      const text = await walk(matcher, source, random);
      if (text === undefined) continue;
      ended++;
      expect(ajv.validate(schema, JSON.parse(text)), `${text}: ${ajv.errorsText()}`).toBe(true);
    }
    expect(ended).toBeGreaterThan(0);
  });

  test("a name that is half of a character", async () => {
    const schema = { type: "object", properties: { "\ud800": { const: 1 } }, required: ["\ud800"] };
    const text = await walk(matcher, formatSource({ type: "json-schema", schema }), new Random(2));
    expect(JSON.parse(text!)).toEqual({ "\ud800": 1 });
  });

  test("choices of odd texts", async () => {
    const options = ["a\u0000b", 'q"q', "\\", "\n", "é€👩‍🚀", "a", "ab"];
    const source = formatSource({ type: "choice", options });
    const random = new Random(5);
    const found = new Set<string | undefined>();
    for (let i = 0; i < 60; i++) found.add(await walk(matcher, source, random));
    expect([...found].filter((text) => !options.includes(text!))).toEqual([]);
    expect(found.size).toBeGreaterThan(3);
  });
});

/** Objects in each other, as JSON. */
function nested(levels: number): string {
  return `${'{"items":'.repeat(levels)}{"type":"null"}${"}".repeat(levels)}`;
}

describe("refused", () => {
  const chain = Object.fromEntries(
    Array.from({ length: 3000 }, (_, i) => [`c${i}`, i === 2999 ? { type: "null" } : { $ref: `#/$defs/c${i + 1}` }]),
  );
  test.for<[string, unknown, RegExp]>([
    ["a reference to itself", { $ref: "#" }, /contains itself without end/],
    [
      "references in a ring",
      { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } },
      /without end/,
    ],
    ["a reference to nothing", { $ref: "#/$defs/a" }, /there is no #\/\$defs\/a/],
    ["a reference elsewhere", { $ref: "https://example.org/a.json" }, /must point into the schema itself/],
    ["a reference to what all objects have", { $ref: "#/constructor" }, /there is no #\/constructor/],
    ["3,000 references", { $ref: "#/$defs/c0", $defs: chain }, /levels deep|references to references/],
    ["300 levels", JSON.parse(nested(300)), /levels/],
    ["lengths that contradict", { type: "string", minLength: 5, maxLength: 4 }, /nothing can satisfy/],
    ["counts that contradict", { type: "array", minItems: 3, maxItems: 2 }, /nothing can satisfy/],
    ["numbers that contradict", { type: "number", minimum: 3, maximum: 2 }, /nothing can satisfy/],
    [
      "an open interval of nothing",
      { type: "integer", exclusiveMinimum: 1, exclusiveMaximum: 2 },
      /no integer lies in \(1, 2\)/,
    ],
    ["properties that contradict", { type: "object", minProperties: 1, maxProperties: 0 }, /nothing can satisfy/],
    ["required and forbidden", { type: "object", properties: { a: false }, required: ["a"] }, /nothing can satisfy/],
    [
      "a bound that is far",
      { type: "number", exclusiveMinimum: 1e20, exclusiveMaximum: 1.1e20 },
      /beyond 1e\+15 cannot be followed/,
    ],
    [
      "a gap between floats",
      { type: "number", exclusiveMinimum: 999999999999999.1, exclusiveMaximum: 999999999999999.2 },
      /nothing can satisfy/,
    ],
    ["an enum of another type", { type: "integer", enum: ["a", 1.5] }, /no value of its type/],
  ])("%s", { timeout: 20_000 }, ([, schema, message]) => {
    const start = performance.now();
    expect(() => schemaGrammar(schema)).toThrow(message);
    expect(() => schemaGrammar(schema)).toThrow(FormatError);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test("a schema that doubles forty times is followed in no time", () => {
    const start = performance.now();
    expect(schemaGrammar({ $ref: "#/$defs/d0", $defs: DOUBLING }).ebnf.length).toBeGreaterThan(0);
    const wide = { anyOf: Array.from({ length: 20 }, () => ({ $ref: "#" })) };
    expect(() => schemaGrammar(wide)).toThrow(/without end/);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  test("what cannot be written as JSON", () => {
    const ring: Record<string, unknown> = { type: "object" };
    ring.properties = { ring };
    expect(() => formatSource({ type: "json-schema", schema: ring })).toThrow(
      /^format\.schema cannot be written as JSON/,
    );
    expect(() => formatSource({ type: "json-schema", schema: { const: 1n } })).toThrow(/^format\.schema cannot be/);
    expect(() => formatSource({ type: "json-schema", schema: { toJSON: () => undefined } })).toThrow(/^format\.schema/);
  });
});
