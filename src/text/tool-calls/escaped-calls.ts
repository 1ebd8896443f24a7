/** Calls in FunctionGemma's notation: "call:name{what:<escape>tea<escape>,most:3}" between two marks. */
import type { MemberNotation } from "../../shared/tools.ts";
import { argumentsText, FoundCalls, parametersOf } from "./call-parts.ts";
import type { ToolConvention } from "./convention.ts";
import { Cursor, JSON_NOTATION, type Notation, readName, readValue } from "./cursor.ts";

const OPENING = "<start_function_call>";
const CLOSING = "<end_function_call>";
const MARK = "<escape>";

const VALUES: Notation = { ...JSON_NOTATION, rawMark: MARK, hasBareNames: true };

const NOTATION: MemberNotation = {
  open: "{",
  close: "}",
  between: ",",
  beforeName: "",
  afterName: ":",
  nameEnds: ': \t\n\r{},<"',
  afterValue: "",
  rawStrings: [MARK, MARK],
};

function escapedText(value: unknown): string {
  if (typeof value === "string") return `${MARK}${value}${MARK}`;
  if (Array.isArray(value)) return `[${value.map(escapedText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, part]) => `${name}:${escapedText(part)}`);
  return `{${members.join(",")}}`;
}

export const escapedCalls: ToolConvention = {
  name: "escaped strings",
  openings: [OPENING],
  marks: [CLOSING, MARK],
  ends: ["<start_function_response>"],
  read: (text, tools) =>
    new FoundCalls().read((found) => {
      const cursor = new Cursor(text);
      cursor.take(OPENING);
      cursor.space();
      cursor.take("call:");
      found.begin(cursor.until(/[{\s]/), tools);
      cursor.space();
      cursor.take("{");
      const members: [string, unknown][] = [];
      found.argue(argumentsText(members, false));
      for (cursor.space(); !cursor.has("}"); cursor.space()) {
        if (members.length > 0) cursor.take(",");
        cursor.space();
        const name = readName(cursor, VALUES);
        cursor.space();
        cursor.take(":");
        members.push([name, readValue(cursor, VALUES)]);
        found.argue(argumentsText(members, false));
      }
      cursor.space();
      cursor.take(CLOSING);
      found.finish(argumentsText(members, true), cursor.at);
    }),
  write: (calls) =>
    calls.map(({ function: call }) => `${OPENING}call:${call.name}${escapedText(call.arguments)}${CLOSING}`).join(""),
  form: (tools, isParallel) => {
    const calls = tools.map((tool) => [
      `${OPENING}call:${tool.function.name}`,
      { members: parametersOf(tool), notation: NOTATION },
      CLOSING,
    ]);
    const call = calls.length === 1 ? calls[0]! : [{ either: calls }];
    return isParallel ? [{ oneOrMore: call, between: "" }] : call;
  },
};
