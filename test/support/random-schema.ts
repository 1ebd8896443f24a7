/** Random schemas of JSON Schema, of all keywords that formats follow. */
import type { Random } from "./random.ts";

const FORMATS = ["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"];
const PATTERNS = [
  ...[
    "^[a-c]{2,4}$",
    "^(cat|dog)s?$",
    "x.y",
    '^[^a]"\\\\$',
    "^\\d{3}-\\w+$",
    "^[\\s\\S]{1,3}$",
    "^a*?b+$",
    "^\\S\\W\\D$",
  ],
  ...["^[é-ü€]{1,2}$", "^(?:ab|[0-9]){1,3}$", '^["\\\\\\n]$', "^$"],
];

/** A random schema, at most three levels deep. */
export function randomSchema(random: Random, depth = 0): object {
  const kinds = ["string", "string", "number", "integer", "enum", "boolean", "null", "list"];
  const nested = depth < 3 ? ["object", "object", "array", "tuple", "anyOf", "map", "ref"] : [];
  const kind =
    depth === 0 ? pick(random, ["object", "object", "array", "anyOf", "map"]) : pick(random, [...kinds, ...nested]);
  const below = () => randomSchema(random, depth + 1);
  switch (kind) {
    case "object":
      return objectSchema(random, below);
    case "array": {
      const minItems = random.integer(0, 2);
      return { type: "array", items: below(), minItems, maxItems: minItems + random.integer(0, 2) };
    }
    case "tuple":
      return { type: "array", prefixItems: [below(), below()], items: false, minItems: random.integer(0, 2) };
    case "anyOf":
      return { anyOf: [below(), below()] };
    case "map":
      return mapSchema(random, below);
    case "ref":
      return { type: "object", properties: { next: { $ref: "#" } }, additionalProperties: false };
    case "list":
      return { type: pick(random, [["string", "null"], ["integer", "boolean"], ["number"]]) };
    case "enum":
      return { enum: [1, -2.5, "a", 'q"\\', null, true, [1, "x"], { a: 1 }].slice(random.integer(0, 6)) };
    default:
      return { type: kind, ...bounds(random, kind) };
  }
}

function objectSchema(random: Random, below: () => object): object {
  const names = ["a", "b c", 'd"e', "été", "f"].slice(0, random.integer(1, 5));
  const required = names.filter(() => random.uniform() < 0.5);
  const closed = random.uniform() < 0.5 ? { additionalProperties: false } : {};
  return { type: "object", properties: Object.fromEntries(names.map((name) => [name, below()])), required, ...closed };
}

function mapSchema(random: Random, below: () => object): object {
  const names = pick<object>(random, [
    { additionalProperties: below() },
    { propertyNames: { pattern: "^[a-z]{1,3}$" }, additionalProperties: below() },
    { patternProperties: { "^n_[0-9]$": below() }, additionalProperties: false },
  ]);
  return { type: "object", ...names, minProperties: random.integer(0, 1), maxProperties: random.integer(1, 3) };
}

function bounds(random: Random, kind: string): object {
  const low = pick(random, [-120, -7, -1, 0, 3, 10, 0.25, -0.75]);
  const step = pick(random, [1, 5, 99, 1000, 0.5]);
  if (kind === "integer")
    return pick<object>(random, [{}, { minimum: low }, { maximum: low }, { minimum: low, maximum: low + 1 + step }]);
  if (kind === "number")
    return pick<object>(random, [
      {},
      { minimum: low },
      { maximum: low },
      { minimum: low, maximum: low + step },
      { exclusiveMinimum: low, exclusiveMaximum: low + step },
    ]);
  if (kind !== "string") return {};
  const minLength = random.integer(0, 3);
  return pick<object>(random, [
    {},
    { minLength, maxLength: minLength + random.integer(0, 5) },
    { pattern: pick(random, PATTERNS) },
    { format: pick(random, FORMATS) },
  ]);
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.integer(0, list.length - 1)]!;
}
