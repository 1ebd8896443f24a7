/** Calls as Python writes them, in a list between two marks: '[name(what="tea", most=3)]', of LFM2. */

import type { TemplateCall } from "../../shared/past-calls.ts";
import type { MemberNotation } from "../../shared/tools.ts";
import { argumentsText, FoundCalls, parametersOf } from "./call-parts.ts";
import type { ToolConvention } from "./convention.ts";
import { Cursor, PYTHON, readValue } from "./cursor.ts";
import { isFollowed, readListedCalls } from "./json-calls.ts";

const OPENING = "<|tool_call_start|>";
const CLOSING = "<|tool_call_end|>";

const NOTATION: MemberNotation = {
  open: "(",
  close: ")",
  between: ", ",
  beforeName: "",
  afterName: "=",
  nameEnds: "= \t\n\r(),",
  afterValue: "",
  isPython: true,
};

export const pythonCalls: ToolConvention = {
  name: "Python's calls",
  openings: [OPENING],
  marks: [CLOSING],
  read: (text, tools) =>
    new FoundCalls().read((found) => {
      const cursor = new Cursor(text);
      cursor.take(OPENING);
      cursor.space();
      cursor.take("[");
      cursor.space();
      // The model writes JSON if the prompt asks for it.
      if (cursor.peek() === "{") readListedCalls(cursor, found, tools);
      else {
        do readCall(cursor, found, tools);
        while (isFollowed(cursor, ",", "]"));
        found.use(cursor.at);
      }
      cursor.space();
      cursor.take(CLOSING);
      found.use(cursor.at);
    }),
  write: (calls) => `${OPENING}[${calls.map(writeCall).join(", ")}]${CLOSING}`,
  form: (tools, isParallel) => {
    const calls = tools.map((tool) => [tool.function.name, { members: parametersOf(tool), notation: NOTATION }]);
    const call = calls.length === 1 ? calls[0]! : [{ either: calls }];
    return [`${OPENING}[`, ...(isParallel ? [{ oneOrMore: call, between: ", " }] : call), `]${CLOSING}`];
  },
};

function writeCall({ function: call }: TemplateCall): string {
  const members = Object.entries(call.arguments).map(([name, value]) => `${name}=${pythonText(value)}`);
  return `${call.name}(${members.join(", ")})`;
}

function pythonText(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(pythonText).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${pythonText(part)}`);
  return `{${members.join(", ")}}`;
}

function readCall(cursor: Cursor, found: FoundCalls, tools: Parameters<FoundCalls["begin"]>[1]): void {
  cursor.space();
  found.begin(cursor.until(/[(\s\])]/), tools);
  cursor.space();
  cursor.take("(");
  const members: [string, unknown][] = [];
  found.argue(argumentsText(members, false));
  for (cursor.space(); !cursor.has(")"); cursor.space()) {
    if (members.length > 0) cursor.take(",");
    cursor.space();
    if (members.length > 0 && cursor.has(")")) break;
    const name = cursor.until(/[=\s(),]/);
    cursor.space();
    cursor.take("=");
    members.push([name, readValue(cursor, PYTHON)]);
    found.argue(argumentsText(members, false));
  }
  found.finish(argumentsText(members, true), cursor.at);
}
