/** Checked fields of records from untrusted files. Every error has the place, the value, and the next step. */
import { shown } from "../../src/shared/json.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** Throws an Error of one line unless the value is an object. */
export function recordOf(value: unknown, at: string): Fields {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new Error(`${at}: expected an object with fields, got ${shown(value)}; use the benchmark's own file`);
  return value as Fields;
}

/** Throws an Error of one line unless the value is a list with entries. */
export function listOf(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new Error(`${at}: expected a list with entries, got ${shown(value)}; use the benchmark's own file`);
  return value;
}

/** A field as text; numbers too. Throws an Error of one line if it is missing or something else. */
export function textOf(fields: Fields, name: string, at: string): string {
  const value = fields[name];
  if (typeof value === "string" && value.trim() !== "") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  const others = Object.keys(fields).join(", ");
  if (value === undefined)
    throw new Error(`${at}: no field "${name}", only ${others || "none"}; use the benchmark's own file`);
  throw new Error(`${at}: "${name}" must be a text, got ${shown(value)}; fix it, or use the benchmark's own file`);
}

/** A field as text, or "" without it. */
export function optionalText(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" ? String(value) : "";
}

/** A field as a list of texts. Throws an Error of one line for anything else. */
export function textsOf(value: unknown, name: string, at: string): string[] {
  if (!Array.isArray(value) || !value.every((one) => typeof one === "string"))
    throw new Error(
      `${at}: "${name}" must be a list of texts, got ${shown(value)}; fix it, or use the benchmark's own file`,
    );
  return value as string[];
}

/** The answers of VQAv2's and TextVQA's annotators. Throws an Error of one line unless there are ten. */
export function tenAnswers(value: unknown, at: string): string[] {
  if (value === undefined || value === null)
    throw new Error(`${at}: no answers; sets for submission have none, use the validation set`);
  const list = Array.isArray(value) ? value : [];
  const answers = list.map((one) => (typeof one === "string" ? one : recordOf(one, at).answer));
  if (answers.length !== 10)
    throw new Error(`${at}: ${answers.length} answers in place of ten annotators' answers; use the validation set`);
  return textsOf(answers, "answers", at);
}

/** "yes" or "no" in lower case. Throws an Error of one line for anything else. */
export function yesOrNo(text: string, at: string): "yes" | "no" {
  const value = text.trim().toLowerCase();
  if (value === "yes" || value === "no") return value;
  throw new Error(
    `${at}: the expected answer must be yes or no, got ${shown(text)}; fix it, or use the benchmark's own file`,
  );
}
