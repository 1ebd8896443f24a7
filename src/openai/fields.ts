/**
 * Reads the fields of an untrusted request: each reader checks the type, and its error names the field as OpenAI's
 * service does. Knows nothing about the fields' meaning.
 */
import { invalid } from "./api-error.ts";

export type Fields = { readonly [name: string]: unknown };

/** An object with fields; `param` is its path, for messages. */
export function asFields(value: unknown, param: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrongType(param, "an object", value);
  return value as Fields;
}

export function asList(value: unknown, param: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType(param, "an array", value);
  return value;
}

export function asText(value: unknown, param: string): string {
  if (typeof value !== "string") throw wrongType(param, "a string", value);
  return value;
}

/** A field's own value; undefined if it is absent or null. Inherited properties do not count. */
export function field(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined;
}

/** False where the field is absent. */
export function flag(fields: Fields, name: string, param = name): boolean {
  const value = field(fields, name) ?? false;
  if (typeof value !== "boolean") throw wrongType(param, "a boolean", value);
  return value;
}

/** A number in [min, max]; undefined where the field is absent. */
export function decimal(fields: Fields, name: string, min: number, max: number): number | undefined {
  const value = field(fields, name);
  if (value === undefined) return undefined;
  if (typeof value !== "number") throw wrongType(name, "a number", value);
  if (!(value >= min && value <= max))
    throw invalid(name, `'${name}' must be a number from ${min} to ${max}, got ${value}`, "invalid_value");
  return value;
}

/** An integer in [min, max]; undefined where the field is absent. */
export function integer(fields: Fields, name: string, min: number, max: number): number | undefined {
  const value = field(fields, name);
  if (value === undefined) return undefined;
  if (typeof value !== "number") throw wrongType(name, "an integer", value);
  if (!Number.isInteger(value) || value < min || value > max)
    throw invalid(name, `'${name}' must be an integer from ${min} to ${max}, got ${value}`, "invalid_value");
  return value;
}

/** Refuses unknown fields: they are more often typos than meant to be ignored. */
export function onlyFields(fields: Fields, known: readonly string[], where = ""): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const param = (where ? `${where}.` : "") + shorten(unknown);
  throw invalid(param, `Unknown parameter: '${param}'`, "unknown_parameter");
}

export function wrongType(param: string, expected: string, value: unknown): Error {
  if (value === undefined || value === null)
    return invalid(param, `Missing required parameter: '${param}' must be ${expected}`, "missing_required_parameter");
  return invalid(param, `Invalid type for '${param}': it must be ${expected}, got ${kindOf(value)}`, "invalid_type");
}

/** At most 80 characters of a string of any length. */
export function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  return /^[aeiou]/.test(typeof value) ? `an ${typeof value}` : `a ${typeof value}`;
}
