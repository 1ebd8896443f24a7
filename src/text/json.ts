/**
 * Reads the small, untrusted JSON files of a checkpoint (tokenizer.json and its companions). Each getter checks the
 * type; its error names file and field. Independent of the fields' meaning.
 */
import { FoveaError } from "../errors.ts";
import { isTooDeep, MAX_JSON_LEVELS, shown } from "../shared/json.ts";
import { jsonProblem } from "../shared/misplaced-file.ts";

export type JsonObject = { readonly [key: string]: unknown };

/** Throws `unsupported-model` with "where: problem": the file is damaged or of an unknown kind. */
export function reject(where: string, problem: string, cause?: unknown): never {
  throw new FoveaError("unsupported-model", `${where}: ${problem}`, cause === undefined ? undefined : { cause });
}

export { shown as show };

/** The object in a file, from its text or already parsed. */
export function parseJsonFile(name: string, file: string | object): JsonObject {
  let value: unknown = file;
  if (typeof file === "string") {
    try {
      value = JSON.parse(file);
    } catch (error) {
      reject(name, jsonProblem(file, error), error);
    }
  }
  if (isTooDeep(value)) reject(name, `nested more than ${MAX_JSON_LEVELS} levels deep; fetch the file again`);
  return asObject(value, name);
}

/** The value as an object. Throws FoveaError `unsupported-model` for any other. */
export function asObject(value: unknown, where: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    reject(where, `expected an object, got ${shown(value)}`);
  return value as JsonObject;
}

/** The value as a list. Throws FoveaError `unsupported-model` for any other. */
export function asArray(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) reject(where, `expected a list, got ${shown(value)}`);
  return value;
}

/** The value as a string. Throws FoveaError `unsupported-model` for any other. */
export function asString(value: unknown, where: string): string {
  if (typeof value !== "string") reject(where, `expected a string, got ${shown(value)}`);
  return value;
}

/** A boolean; `fallback` if the field is absent or null. */
export function asBoolean(value: unknown, where: string, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== "boolean") reject(where, `expected true or false, got ${shown(value)}`);
  return value;
}

/** An integer in [0, limit). */
export function asIndex(value: unknown, where: string, limit: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= limit)
    reject(where, `expected an integer from 0 to ${limit - 1}, got ${shown(value)}`);
  return value;
}
