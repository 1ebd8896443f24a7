/** Facts about schemas that need no grammar: can a finite value satisfy one, do two exclude each other. */
import { FormatError } from "./ebnf.ts";
import { asSchema, isObject, resolve, type Schema, type SchemaObject, typesOf } from "./schema-fields.ts";

/** Levels of schemas in each other, references followed: readers recurse. */
const MAX_LEVELS = 256;

/** Schemas that can end, which stays true wherever they stand: without it, references to references double the work. */
const ending = new WeakSet<object>();

/**
 * True if some value without infinite nesting can satisfy the schema, as far as its structure tells.
 *
 * @throws FormatError for a schema of too many levels
 */
export function canEnd(schema: Schema, root: Schema, under: readonly unknown[] = []): boolean {
  if (typeof schema === "boolean") return schema;
  if (ending.has(schema)) return true;
  // A schema inside itself: no value so far.
  if (under.includes(schema)) return false;
  if (under.length >= MAX_LEVELS) throw new FormatError(`the schema nests more than ${MAX_LEVELS} levels deep`);
  const ends = endsInside(schema, root, [...under, schema]);
  if (ends) ending.add(schema);
  return ends;
}

function endsInside(schema: SchemaObject, root: Schema, inside: readonly unknown[]): boolean {
  const check = (part: unknown, where: string) => canEnd(asSchema(part, where), root, inside);
  if (schema.$ref !== undefined) return canEnd(resolve(root, schema.$ref, "the schema"), root, inside);
  for (const name of ["anyOf", "oneOf"]) {
    const parts = schema[name];
    if (Array.isArray(parts) && !parts.some((part) => check(part, name))) return false;
  }
  if (Array.isArray(schema.allOf) && !schema.allOf.every((part) => check(part, "allOf"))) return false;
  if (schema.enum !== undefined || schema.const !== undefined) return true;
  return typesOf(schema, "the schema").some((type) => {
    if (type === "object") return hasFiniteProperties(schema, check);
    return type !== "array" || hasFiniteItems(schema, check);
  });
}

type Check = (part: unknown, where: string) => boolean;

function hasFiniteProperties({ properties, required }: SchemaObject, check: Check): boolean {
  if (!isObject(properties) || !Array.isArray(required)) return true;
  const ends = (name: unknown) =>
    typeof name !== "string" || !Object.hasOwn(properties, name) || check(properties[name], name);
  return required.every(ends);
}

function hasFiniteItems({ prefixItems, items, minItems }: SchemaObject, check: Check): boolean {
  const least = typeof minItems === "number" ? minItems : 0;
  const fixed = Array.isArray(prefixItems) ? prefixItems : [];
  if (!fixed.slice(0, least).every((item) => check(item, "prefixItems"))) return false;
  return least <= fixed.length || items === undefined || Array.isArray(items) || check(items, "items");
}

/**
 * True if no value satisfies two of the schemas: by their types, or by a required property of other constants in each.
 */
export function isDisjoint(schemas: readonly Schema[], root: Schema): boolean {
  return schemas.every((a, i) => schemas.slice(i + 1).every((b) => excludes(a, b, root)));
}

function excludes(a: Schema, b: Schema, root: Schema, depth = 0): boolean {
  if (a === false || b === false) return true;
  if (a === true || b === true || depth > 8) return false;
  if (a.$ref !== undefined) return excludes(resolve(root, a.$ref, "the schema"), b, root, depth + 1);
  if (b.$ref !== undefined) return excludes(a, resolve(root, b.$ref, "the schema"), root, depth + 1);
  const [values, others] = [constantsOf(a), constantsOf(b)];
  if (values && others) return values.every((value) => !others.includes(value));
  if (["anyOf", "oneOf", "allOf", "enum", "const"].some((name) => a[name] !== undefined || b[name] !== undefined))
    return false;
  const types = typesOf(a, "the schema");
  const isNumber = (type: string) => type === "number" || type === "integer";
  const shared = typesOf(b, "the schema").filter((type) =>
    types.some((one) => one === type || (isNumber(one) && isNumber(type))),
  );
  if (shared.length === 0) return true;
  if (shared.some((type) => type !== "object") || !isObject(a.properties) || !isObject(b.properties)) return false;
  const [own, other] = [a.properties, b.properties];
  return Object.keys(own).some(
    (name) =>
      Object.hasOwn(other, name) &&
      [a, b].every(({ required }) => Array.isArray(required) && required.includes(name)) &&
      excludes(asSchema(own[name], name), asSchema(other[name], name), root, depth + 1),
  );
}

/** The values of `const` or `enum` as JSON. */
function constantsOf(schema: SchemaObject): string[] | undefined {
  const values = schema.const === undefined ? schema.enum : [schema.const];
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : undefined;
}

/** True if a value of the schema can be a string, as far as its types tell. */
export function canBeString(schema: Schema, root: Schema): boolean {
  return kindsOf(schema, root).has("string");
}

/** Keywords whose values are no schemas, though they may look like some. */
const DATA = ["enum", "const", "default", "examples"];

/** True if a choice in the schema has two parts of one type, so that a value may be under either. */
export function hasOverlaps(root: Schema): boolean {
  const isOpen = (part: unknown): boolean => {
    if (typeof part !== "object" || part === null) return false;
    const overlaps = ["anyOf", "oneOf"].some((name) => {
      const parts = (part as SchemaObject)[name];
      if (!Array.isArray(parts)) return false;
      const kinds = parts.map((one) => kindsOf(asSchema(one, name), root));
      return kinds.some((own, i) => kinds.slice(i + 1).some((other) => [...own].some((kind) => other.has(kind))));
    });
    return overlaps || Object.entries(part).some(([name, inside]) => !DATA.includes(name) && isOpen(inside));
  };
  return isOpen(root);
}

/** The types of a schema's values; integers are numbers. @param found gets them. @param seen schemas that were counted */
function kindsOf(schema: Schema, root: Schema, found = new Set<string>(), seen = new Set<Schema>()): Set<string> {
  if (schema === false || seen.has(schema)) return found;
  seen.add(schema);
  const add = (kinds: readonly string[]) => {
    for (const kind of kinds) found.add(kind);
    return found;
  };
  if (schema === true) return add(["object", "array", "string", "number", "boolean", "null"]);
  if (schema.$ref !== undefined) return kindsOf(resolve(root, schema.$ref, "the schema"), root, found, seen);
  for (const name of ["anyOf", "oneOf", "allOf"]) {
    const parts = schema[name];
    if (!Array.isArray(parts)) continue;
    for (const part of parts) kindsOf(asSchema(part, name), root, found, seen);
    return found;
  }
  const values = schema.const === undefined ? schema.enum : [schema.const];
  if (Array.isArray(values)) return add(values.map(kindOfValue));
  return add(typesOf(schema, "the schema").map((type) => (type === "integer" ? "number" : type)));
}

function kindOfValue(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}
