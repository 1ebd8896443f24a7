/** Calls as a name and a JSON object after it: "[TOOL_CALLS]name[ARGS]{...}", of Mistral's newer models. */
import { FoundCalls, parametersOf } from "./call-parts.ts";
import type { ToolConvention } from "./convention.ts";
import { Cursor } from "./cursor.ts";
import { readArguments } from "./json-calls.ts";

const OPENING = "[TOOL_CALLS]";
const ARGUMENTS = "[ARGS]";

export const namedJson: ToolConvention = {
  name: "a name and JSON after [TOOL_CALLS]",
  openings: [OPENING],
  marks: [ARGUMENTS],
  read: (text, tools) =>
    new FoundCalls().read((found) => {
      const cursor = new Cursor(text);
      cursor.take(OPENING);
      cursor.space();
      // Some models write braces directly after the name, and an id between two marks.
      const name = cursor.until(/[{[\s]/);
      found.begin(name, tools);
      cursor.space();
      if (cursor.peek() === "[") {
        if (cursor.has("[CALL_ID]")) cursor.until(/\[/);
        cursor.take(ARGUMENTS);
      }
      cursor.space();
      found.finish(
        readArguments(cursor, (text) => found.argue(text)),
        cursor.at,
      );
    }),
  write: (calls) =>
    calls.map(({ function: call }) => `${OPENING}${call.name}${ARGUMENTS}${JSON.stringify(call.arguments)}`).join(""),
  form: (tools, isParallel) => {
    const calls = tools.map((tool) => [OPENING, tool.function.name, ARGUMENTS, { json: parametersOf(tool) }]);
    const call = calls.length === 1 ? calls[0]! : [{ either: calls }];
    return isParallel ? [{ oneOrMore: call, between: "" }] : call;
  },
};
