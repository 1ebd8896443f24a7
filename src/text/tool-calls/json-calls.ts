/** Calls as JSON objects with a name and arguments, alone or in a list: most models' convention. */

import type { TemplateCall } from "../../shared/past-calls.ts";
import type { CallForm, Tool } from "../../shared/tools.ts";
import { FoundCalls, moved, parametersOf } from "./call-parts.ts";
import type { Reading, ToolConvention } from "./convention.ts";
import { Broken, Cursor, JSON_NOTATION, readString, readValue } from "./cursor.ts";

export interface JsonCallsOptions {
  name: string;
  /** Begins the calls; undefined for calls that are the whole answer. */
  opening: string | undefined;
  /** Optional openings for calls without one. */
  otherOpenings?: readonly string[];
  /** Ends the calls; undefined if the answer ends with them. */
  closing: string | undefined;
  /** White space that the model writes after the opening and before the closing. */
  inner?: string;
  /** True if calls are in one list; otherwise each has marks of its own. Readers accept both. */
  isList: boolean;
  /** The field of the arguments; readers accept "arguments" and "parameters". */
  field: "arguments" | "parameters";
  ends?: readonly string[];
}

/** The convention for calls of this layout. */
export function jsonCalls(options: JsonCallsOptions): ToolConvention {
  const { name, opening, otherOpenings = [], closing, ends = [] } = options;
  const layout = layoutOf(options);
  return {
    name,
    openings: opening === undefined ? ["{", ...otherOpenings] : [opening],
    isAtStart: opening === undefined,
    marks: closing === undefined ? [] : [closing],
    ends,
    read: (text, tools) => readCalls(text, tools, options),
    write: (calls) => writeCalls(calls, layout),
    form: (tools, isParallel) => callForm(tools, isParallel, layout),
  };
}

/** The texts around calls; empty if there are none. */
type Layout = Required<Pick<JsonCallsOptions, "inner" | "isList" | "field">> & { opening: string; closing: string };

function layoutOf({ opening = "", closing = "", inner = "", isList, field }: JsonCallsOptions): Layout {
  return { opening, closing, inner, isList, field };
}

function readCalls(text: string, tools: readonly Tool[], options: JsonCallsOptions): Reading {
  const { opening, otherOpenings = [], closing } = options;
  const isBare = opening === undefined && text.startsWith("{");
  return new FoundCalls().read((found) => {
    const cursor = new Cursor(text);
    if (opening !== undefined) cursor.take(opening);
    else if (!isBare) otherOpenings.find((other) => cursor.has(other));
    cursor.space();
    if (cursor.peek() === "[") {
      cursor.at++;
      readListedCalls(cursor, found, tools);
    } else {
      readCall(cursor, found, tools);
      // Several calls of a bare answer follow each other.
      while (opening === undefined) {
        cursor.space();
        if (cursor.has(";")) cursor.space();
        if (cursor.peek() !== "{") break;
        readCall(cursor, found, tools);
      }
    }
    if (closing !== undefined) {
      cursor.space();
      cursor.take(closing);
      found.use(cursor.at);
    }
  }, isBare);
}

/** Calls in a list, after its opening bracket. */
export function readListedCalls(cursor: Cursor, found: FoundCalls, tools: readonly Tool[]): void {
  do readCall(cursor, found, tools);
  while (isFollowed(cursor, ",", "]"));
  found.use(cursor.at);
}

/** True if the separator follows; false at the end mark. */
export function isFollowed(cursor: Cursor, separator: string, end: string): boolean {
  cursor.space();
  if (cursor.has(separator)) return true;
  cursor.take(end);
  return false;
}

/** Reads one object. Emits its arguments as written, once the name is known. */
function readCall(cursor: Cursor, found: FoundCalls, tools: readonly Tool[]): void {
  cursor.space();
  cursor.take("{");
  let name: string | undefined;
  let written: string | undefined;
  do {
    cursor.space();
    if (cursor.peek() !== '"') cursor.fail("a field in quotes");
    const field = readString(cursor);
    cursor.space();
    cursor.take(":");
    cursor.space();
    if (field === "name") {
      if (cursor.peek() !== '"') cursor.fail("a name in quotes");
      name = readString(cursor);
      found.begin(name, tools);
      if (written !== undefined) found.argue(written);
    } else if (field === "arguments" || field === "parameters") {
      written = readArguments(cursor, (text) => found.argue(text));
    } else readValue(cursor, JSON_NOTATION);
  } while (isFollowed(cursor, ",", "}"));
  if (name === undefined) throw new Broken("it has no name");
  found.finish(written ?? "{}", cursor.at);
}

/**
 * The arguments' text: an object, or a string that holds one.
 *
 * @param tell called with the part of the object read so far
 */
export function readArguments(cursor: Cursor, tell: (text: string) => void): string {
  const start = cursor.at;
  if (cursor.peek() === "{") {
    tell(cursor.text.slice(start));
    readValue(cursor, JSON_NOTATION);
    const written = cursor.text.slice(start, cursor.at);
    if (!isObjectText(written)) throw new Broken(`its arguments are no JSON: ${written.slice(0, 80)}`);
    tell(written);
    return written;
  }
  if (cursor.peek() !== '"') cursor.fail("arguments in braces");
  const written = readString(cursor).trim();
  if (!isObjectText(written)) throw new Broken(`its arguments are no JSON object: ${written.slice(0, 80)}`);
  return written;
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function writeCalls(calls: readonly TemplateCall[], { opening, closing, inner, isList, field }: Layout): string {
  const texts = calls.map(({ function: call }) => JSON.stringify({ name: call.name, [field]: call.arguments }));
  if (isList) return `${opening}${inner}[${texts.join(", ")}]${closing && inner}${closing}`;
  return texts
    .map((text) => `${opening}${inner}${text}${closing && inner}${closing}`)
    .join(closing === "" ? "; " : "\n");
}

function callForm(tools: readonly Tool[], isParallel: boolean, layout: Layout): CallForm {
  const { opening, closing, inner, isList, field } = layout;
  const [begin, end] = [`${opening}${inner}`, `${closing && inner}${closing}`];
  const several = isParallel && (isList || closing !== "");
  const calls = tools.map((tool): CallForm => [{ json: callSchema(tool, field) }]);
  const call: CallForm = calls.length === 1 ? calls[0]! : [{ either: calls }];
  if (isList) return [`${begin}[`, ...(several ? [{ oneOrMore: call, between: ", " }] : call), `]${end}`];
  return several ? [{ oneOrMore: [begin, ...call, end], between: "\n" }] : [begin, ...call, end];
}

function callSchema(tool: Tool, field: string): object {
  const parameters = moved(parametersOf(tool), `#/properties/${field}`);
  return {
    type: "object",
    properties: { name: { const: tool.function.name }, [field]: parameters },
    required: ["name", field],
    additionalProperties: false,
  };
}
