/** Checks the `format` of a request, and writes it as text: the key under which its grammar is kept. */
import type { AnswerFormat } from "../shared/answer-format.ts";
import { kindOf } from "../shared/arguments.ts";
import { shown } from "../shared/json.ts";
import type { CallForm } from "../shared/tools.ts";

/** A format as a worker compiles it. */
export interface FormatSource {
  type: AnswerFormat["type"] | "calls";
  /** Schema, options and the form of calls as JSON, pattern and grammar as they are. */
  text: string;
}

/** Longest text of a format, in characters: the largest published schemas of tools have about 100,000. */
const MAX_LENGTH = 2 ** 18;

const FIELDS: { [type in AnswerFormat["type"]]: string | undefined } = {
  json: undefined,
  "json-schema": "schema",
  regex: "pattern",
  choice: "options",
  grammar: "ebnf",
};

/**
 * @throws TypeError for a value that is not a format, RangeError for one that is too long; messages begin with "format"
 */
export function formatSource(format: unknown): FormatSource {
  if (kindOf(format) !== "Object") throw new TypeError(`format must be an object with a type, got ${shown(format)}`);
  const fields = format as Record<string, unknown>;
  const types = Object.keys(FIELDS);
  const type = fields.type as AnswerFormat["type"];
  if (!types.includes(type)) throw new TypeError(`format.type must be ${types.join(", ")}; got ${shown(type)}`);
  const name = FIELDS[type];
  const unknown = Object.keys(fields).find((key) => key !== "type" && key !== name);
  if (unknown !== undefined)
    throw new TypeError(`format.${unknown.slice(0, 80)} is not a field of a format of type ${type}`);
  const text = name === undefined ? "" : textOf(type, name, fields[name]);
  if (text.length > MAX_LENGTH)
    throw new RangeError(
      `format.${name} has ${text.length} characters, at most ${MAX_LENGTH} are read; make it smaller`,
    );
  return { type, text };
}

/** Calls of tools. Their schemas are checked and of a bounded length. */
export function callSource(form: CallForm): FormatSource {
  return { type: "calls", text: JSON.stringify(form) };
}

function textOf(type: AnswerFormat["type"], name: string, value: unknown): string {
  if (type === "json-schema") {
    if (kindOf(value) !== "Object") throw new TypeError(`format.schema must be an object, got ${shown(value)}`);
    let text: string | undefined;
    let reason = "it gives no text";
    try {
      text = JSON.stringify(value);
    } catch (cause) {
      reason = (cause as Error).message;
    }
    if (text === undefined) throw new TypeError(`format.schema cannot be written as JSON: ${reason}`);
    return text;
  }
  if (type === "choice") {
    if (
      !Array.isArray(value) ||
      value.length === 0 ||
      value.some((option) => typeof option !== "string" || option === "")
    )
      throw new TypeError(`format.options must be a list of non-empty strings, at least one, got ${shown(value)}`);
    return JSON.stringify(value);
  }
  if (typeof value !== "string" || value === "")
    throw new TypeError(`format.${name} must be a non-empty string, got ${shown(value)}`);
  return value;
}
