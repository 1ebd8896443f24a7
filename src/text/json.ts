/**
 * Reads the small, untrusted JSON files of a checkpoint (tokenizer.json and its companions). Each getter checks the type;
 * its error names file and field. Knows nothing about the fields' meaning.
 */
import { FoveaError } from "../errors.ts";

export type JsonObject = { readonly [key: string]: unknown };

/** Throws `unsupported-model` with "where: problem": the file is damaged or of an unknown kind. */
export function reject(where: string, problem: string, cause?: unknown): never {
  throw new FoveaError("unsupported-model", `${where}: ${problem}`, cause === undefined ? undefined : { cause });
}

/** A value for a message: short, on one line, strings in quotes. */
export function show(value: unknown): string {
  if (typeof value === "bigint" || typeof value === "function" || value === undefined) return String(value);
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** The object in a file, from its text or already parsed. */
export function parseJsonFile(name: string, file: string | object): JsonObject {
  if (typeof file !== "string") return asObject(file, name);
  let value: unknown;
  try {
    value = JSON.parse(file);
  } catch (error) {
    reject(name, `not JSON (${(error as Error).message}); fetch the file again`, error);
  }
  return asObject(value, name);
}

export function asObject(value: unknown, where: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    reject(where, `expected an object, got ${show(value)}`);
  return value as JsonObject;
}

export function asArray(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) reject(where, `expected a list, got ${show(value)}`);
  return value;
}

export function asString(value: unknown, where: string): string {
  if (typeof value !== "string") reject(where, `expected a string, got ${show(value)}`);
  return value;
}

/** A boolean; `fallback` if the field is absent or null. */
export function asBoolean(value: unknown, where: string, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== "boolean") reject(where, `expected true or false, got ${show(value)}`);
  return value;
}

/** An integer in [0, limit). */
export function asIndex(value: unknown, where: string, limit: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= limit)
    reject(where, `expected an integer from 0 to ${limit - 1}, got ${show(value)}`);
  return value;
}
