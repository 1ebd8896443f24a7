/** Schemas as zod writes them: formats beside patterns, lengths beside patterns, records of known names. */
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { formatSource } from "../../src/grammar/format-source.ts";
import type { Matcher } from "../../src/grammar/matcher.ts";
import { matchesSamples } from "../../src/grammar/pattern-samples.ts";
import { sizedPattern } from "../../src/grammar/sized-pattern.ts";
import { makeMatcher, walk } from "../support/grammar-walk.ts";
import { Random } from "../support/random.ts";

let matcher: Matcher;
beforeAll(async () => {
  matcher = await makeMatcher();
});

const FOLLOWED: Record<string, z.ZodType> = {
  email: z.email(),
  uuid: z.uuid(),
  guid: z.guid(),
  "date-time": z.iso.datetime(),
  date: z.iso.date(),
  time: z.iso.time(),
  duration: z.iso.duration(),
  ipv4: z.ipv4(),
  ipv6: z.ipv6(),
  hostname: z.hostname(),
  url: z.url(),
  nanoid: z.nanoid(),
  e164: z.e164(),
  base64: z.base64(),
  "a start": z.string().startsWith("ab"),
  int: z.int(),
  int32: z.int32(),
  float32: z.float32(),
  positive: z.number().positive(),
  "a pattern with lengths": z
    .string()
    .min(2)
    .max(5)
    .regex(/^[a-z]+$/),
  "a code of one length": z
    .string()
    .length(4)
    .regex(/^[A-Z]{2}\d{2}$/),
  tuple: z.tuple([z.string().max(3), z.number()]),
  record: z.record(z.string().max(3), z.boolean()),
  "a record of known names": z.record(z.enum(["a", "b"]), z.number()),
  "optional and nullable": z.object({ a: z.string().max(3).optional(), b: z.string().max(3).nullable() }),
  "a union by a tag": z.discriminatedUnion("t", [
    z.object({ t: z.literal("a"), x: z.number() }),
    z.object({ t: z.literal("b") }),
  ]),
  "an array in bounds": z
    .array(z.enum(["x", "y"]))
    .min(1)
    .max(3),
  "an intersection": z.intersection(z.object({ a: z.boolean() }), z.object({ b: z.boolean() })),
  recursive: z.object({
    value: z.int(),
    get next(): z.ZodType {
      return z.union([z.null(), FOLLOWED.recursive!]);
    },
  }),
};

describe("followed, and valid to zod and to ajv", () => {
  test.for(Object.entries(FOLLOWED))("%s", async ([, type]) => {
    const schema = z.toJSONSchema(type) as object;
    const source = formatSource({ type: "json-schema", schema });
    const ajv = addFormats.default(new Ajv2020({ strict: false, logger: false }));
    const random = new Random(7);
    let ended = 0;
    for (let i = 0; i < 10; i++) {
      const text = await walk(matcher, source, random);
      if (text === undefined) continue;
      ended++;
      expect(ajv.validate(schema, JSON.parse(text)), `${text}: ${ajv.errorsText()}`).toBe(true);
      expect(type.safeParse(JSON.parse(text)).success, text).toBe(true);
    }
    expect(ended).toBeGreaterThan(0);
  });
});

test.each<[z.ZodType, RegExp]>([
  [z.number().multipleOf(5), /"multipleOf"/],
  [z.object({ a: z.never().optional() }), /the keyword "not" in the schema\.a/],
  [z.email().max(30), /pattern, format and lengths of one string in the schema cannot be followed together/],
  [
    z
      .string()
      .max(5)
      .regex(/^(a|bc)+$/),
    /cannot be followed together/,
  ],
  [z.email({ pattern: /^[^@]+@example\.org$/ }), /cannot be followed together/],
])("refused in one sentence: %#", async (type, message) => {
  const source = formatSource({ type: "json-schema", schema: z.toJSONSchema(type) as object });
  await expect(matcher.begin(source)).rejects.toThrow(message);
});

test("samples tell patterns apart", () => {
  expect(matchesSamples("^[ab]+$", "[ab]{1,3}")).toBe(true);
  expect(matchesSamples("^[ab]+$", "[abc]{1,3}")).toBe(false);
  expect(matchesSamples("^a+$", "a{1,3}(Z|b)?")).toBe(false);
  expect(matchesSamples("(", "a")).toBe(false);
  // Its backtracking takes 2 ** 40 steps in JavaScript's own engine.
  expect(matchesSamples("^(a+)+$", "a{40}b")).toBe(false);
  // A reference cannot be matched in linear time.
  expect(matchesSamples("^(a)\\1$", "aa")).toBe(false);
});

test.each<[string, number, number, string | undefined]>([
  ["^[a-z]+$", 2, 5, "^[a-z]{2,5}$"],
  ["^[a-z]*-\\d{2}$", 4, 9, "^[a-z]{1,6}-\\d{2}$"],
  ["^(?:ab|cd){1,9}$", 3, 7, "^(?:ab|cd){2,3}$"],
  ["^a{3}$", 3, 3, "^a{3}$"],
  ["^a{3}$", 4, 9, undefined],
  ["^a+b+$", 2, 5, undefined],
  ["^a|b$", 1, 1, undefined],
  ["^a+$", 2, Number.POSITIVE_INFINITY, "^a{2,}$"],
])("%s of %d to %d characters: %s", (pattern, least, most, narrowed) => {
  expect(sizedPattern(pattern, least, most)).toBe(narrowed);
});
