/** Calls as nested tags with raw strings: "<tool_call><function=name><parameter=what>tea</parameter>", of Qwen 3.5. */
import type { MemberNotation, Tool } from "../../shared/tools.ts";
import { argumentsText, FoundCalls, parametersOf } from "./call-parts.ts";
import type { ToolConvention } from "./convention.ts";
import { Cursor } from "./cursor.ts";

const OPENING = "<tool_call>";
const CLOSING = "</tool_call>";
const PARAMETER = "<parameter=";
const END = "</parameter>";
const FUNCTION_END = "</function>";

const NOTATION: MemberNotation = {
  open: "",
  close: "",
  between: "",
  beforeName: PARAMETER,
  afterName: ">\n",
  nameEnds: ">",
  afterValue: `\n${END}\n`,
  rawStrings: ["", ""],
};

export const xmlCalls: ToolConvention = {
  name: "nested tags",
  openings: [OPENING],
  marks: [CLOSING],
  read: (text, tools) =>
    new FoundCalls().read((found) => {
      const cursor = new Cursor(text);
      cursor.take(OPENING);
      cursor.space();
      cursor.take("<function=");
      const name = cursor.until(/>/);
      found.begin(name, tools);
      cursor.at++;
      const properties = propertiesOf(tools.find((tool) => tool.function.name === name)!);
      const members: [string, unknown][] = [];
      found.argue(argumentsText(members, false));
      for (cursor.space(); !cursor.has(FUNCTION_END); cursor.space()) {
        cursor.take(PARAMETER);
        const parameter = cursor.until(/>/);
        cursor.at++;
        members.push([parameter, parsedValue(readText(cursor), properties[parameter])]);
        found.argue(argumentsText(members, false));
      }
      cursor.space();
      cursor.take(CLOSING);
      found.finish(argumentsText(members, true), cursor.at);
    }),
  write: (calls) =>
    calls
      .map(({ function: call }) => {
        const members = Object.entries(call.arguments).map(
          ([name, value]) =>
            `${PARAMETER}${name}>\n${typeof value === "string" ? value : JSON.stringify(value)}\n${END}\n`,
        );
        return `${OPENING}\n<function=${call.name}>\n${members.join("")}${FUNCTION_END}\n${CLOSING}`;
      })
      .join("\n"),
  form: (tools, isParallel) => {
    const calls = tools.map((tool) => [
      `${OPENING}\n<function=${tool.function.name}>\n`,
      { members: parametersOf(tool), notation: NOTATION },
      `${FUNCTION_END}\n${CLOSING}`,
    ]);
    const call = calls.length === 1 ? calls[0]! : [{ either: calls }];
    return isParallel ? [{ oneOrMore: call, between: "\n" }] : call;
  },
};

/** A value's text. A tag within the text is text, unless the next parameter or the function's end follows it. */
function readText(cursor: Cursor): string {
  const start = cursor.at;
  for (let end = cursor.text.indexOf(END, start); end >= 0; end = cursor.text.indexOf(END, end + 1)) {
    cursor.at = end + END.length;
    cursor.space();
    cursor.peek();
    const rest = cursor.text.slice(cursor.at);
    if (!rest.startsWith(PARAMETER) && !rest.startsWith(FUNCTION_END)) {
      // Waits for the rest of a tag.
      cursor.has(PARAMETER);
      cursor.has(FUNCTION_END);
      continue;
    }
    return cursor.text.slice(start, end).replace(/^\n/, "").replace(/\n$/, "");
  }
  cursor.at = cursor.text.length;
  cursor.peek();
  return "";
}

interface PropertySchema {
  type?: unknown;
  enum?: unknown;
}

function propertiesOf(tool: Tool): Readonly<Record<string, PropertySchema | undefined>> {
  const { properties } = parametersOf(tool) as { properties?: Record<string, PropertySchema> };
  return Object.assign(Object.create(null), properties);
}

const WORDS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

/** Text, parsed as JSON or Python's words if the schema asks for another type than a string. */
function parsedValue(text: string, schema: PropertySchema | undefined): unknown {
  if (schema?.type === "string" || (Array.isArray(schema?.enum) && schema.enum.includes(text))) return text;
  const trimmed = text.trim();
  if (Object.hasOwn(WORDS, trimmed)) return WORDS[trimmed];
  try {
    return JSON.parse(trimmed);
  } catch {
    return text;
  }
}
