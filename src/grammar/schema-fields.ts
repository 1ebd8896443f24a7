/** Reads schemas of JSON Schema: which keywords they have, and what they refer to. */
import { FormatError } from "./ebnf.ts";

export type Schema = boolean | SchemaObject;
export type SchemaObject = Readonly<Record<string, unknown>>;

/** Keywords that say nothing about which values are valid. */
const REMARKS = [
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "discriminator",
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
  "$anchor",
  "id",
  "nullable",
  "contentMediaType",
  "contentEncoding",
];

/** Keywords of each kind of value. */
export const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: [
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "unevaluatedProperties",
  ],
  array: ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "unevaluatedItems"],
  string: ["pattern", "format", "minLength", "maxLength"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  integer: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  boolean: [],
  null: [],
};

/** Keywords that stand instead of those above. */
const CHOICES = ["$ref", "enum", "const", "anyOf", "oneOf", "allOf"];

/** @param where path of the schema, for messages */
export function asSchema(value: unknown, where: string): Schema {
  if (typeof value === "boolean" || isObject(value)) return value;
  throw new FormatError(`${where} must be a schema: an object, true or false`);
}

/** True for an object that is not a list. */
export function isObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Throws FormatError for keywords besides remarks and these. */
export function only(schema: SchemaObject, keywords: readonly string[], where: string): void {
  for (const name of Object.keys(schema)) {
    if (REMARKS.includes(name) || keywords.includes(name) || schema[name] === undefined) continue;
    const isKnown = CHOICES.includes(name) || Object.values(KEYWORDS).some((known) => known.includes(name));
    const beside = isKnown
      ? ` beside ${Object.keys(schema)
          .filter((key) => keywords.includes(key))
          .join(", ")}`
      : "";
    throw new FormatError(`the keyword "${name.slice(0, 60)}" in ${where}${beside} cannot be followed`);
  }
}

/** The kinds of values that a schema without a choice describes: those of `type`, or of its keywords; all without any. */
export function typesOf(schema: SchemaObject, where: string): readonly string[] {
  const { type } = schema;
  if (type === undefined) {
    const kinds = ["object", "array", "string", "number"];
    const implied = kinds.filter((kind) => KEYWORDS[kind]!.some((name) => schema[name] !== undefined));
    return implied.length > 0 ? implied : [...kinds, "boolean", "null"];
  }
  const types = Array.isArray(type) ? type : [type];
  if (types.length === 0 || types.some((one) => typeof one !== "string" || !Object.hasOwn(KEYWORDS, one)))
    throw new FormatError(`${where}.type must be of ${Object.keys(KEYWORDS).join(", ")}`);
  return types;
}

/** A count; undefined where it is absent. */
export function count(schema: SchemaObject, name: string, where: string): number | undefined {
  const value = schema[name];
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && (value as number) >= 0) return value as number;
  throw new FormatError(`${where}.${name} must be a whole number from 0`);
}

/** A finite number; undefined where it is absent. */
export function numeric(schema: SchemaObject, name: string, where: string): number | undefined {
  const value = schema[name];
  if (value === undefined || Number.isFinite(value)) return value as number | undefined;
  throw new FormatError(`${where}.${name} must be a number`);
}

/** True for a list of strings. */
export function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

/** Returns the part of the schema that a reference points at. */
export function resolve(root: Schema, reference: unknown, where: string): Schema {
  if (typeof reference !== "string" || !/^#(\/|$)/.test(reference))
    throw new FormatError(`${where}.$ref must point into the schema itself, as "#/$defs/name"`);
  let at: unknown = root;
  for (const part of reference.split("/").slice(1)) {
    const name = safeDecode(part).replaceAll("~1", "/").replaceAll("~0", "~");
    const holder = at as Record<string, unknown>;
    at = typeof at === "object" && at !== null && Object.hasOwn(holder, name) ? holder[name] : undefined;
  }
  if (at === undefined) throw new FormatError(`${where}.$ref: there is no ${reference.slice(0, 80)}`);
  return asSchema(at, reference.slice(0, 80));
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * True if `propertyNames` allows the names that an object has by its other keywords: all strings, or a list of them.
 */
export function areNamed({ propertyNames, properties = {} }: SchemaObject, required: readonly string[]): boolean {
  if (propertyNames === true) return true;
  if (!isObject(propertyNames)) return false;
  const { type, enum: names, ...others } = propertyNames;
  if (Object.keys(others).length > 0 || (type !== undefined && type !== "string")) return false;
  return (
    names === undefined ||
    (isNames(names) && [...required, ...Object.keys(properties as object)].every((name) => names.includes(name)))
  );
}
