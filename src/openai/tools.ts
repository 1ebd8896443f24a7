/** Reads tools, their choice and earlier calls in OpenAI's shape. The model checks names and schemas. */
import type { PastToolCall, Tool, ToolChoice } from "../api.ts";
import { invalid } from "./api-error.ts";
import { asFields, asList, asText, type Fields, field, flag, onlyFields, shorten } from "./fields.ts";

/** Undefined for a request without tools. */
export function readTools(value: unknown): Tool[] | undefined {
  if (value === undefined) return undefined;
  const tools = Array.from(asList(value, "tools"), (tool, i) => readTool(asFields(tool, `tools[${i}]`), `tools[${i}]`));
  return tools.length > 0 ? tools : undefined;
}

function readTool(tool: Fields, where: string): Tool {
  const type = asText(field(tool, "type"), `${where}.type`);
  if (type !== "function")
    throw invalid(`${where}.type`, `'${where}.type' supports only 'function', got '${shorten(type)}'`, "invalid_value");
  onlyFields(tool, ["type", "function"], where);
  const described = asFields(field(tool, "function"), `${where}.function`);
  onlyFields(described, ["name", "description", "parameters", "strict"], `${where}.function`);
  // A call that is required follows its schema, whatever this says.
  flag(described, "strict", `${where}.function.strict`);
  const description = field(described, "description");
  const parameters = field(described, "parameters");
  return {
    type: "function",
    function: {
      name: asText(field(described, "name"), `${where}.function.name`),
      ...(description !== undefined && { description: asText(description, `${where}.function.description`) }),
      ...(parameters !== undefined && { parameters: asFields(parameters, `${where}.function.parameters`) }),
    },
  };
}

export function readToolChoice(value: unknown): ToolChoice | undefined {
  if (value === undefined || value === "auto") return undefined;
  if (value === "none" || value === "required") return value;
  const choice = typeof value === "object" ? asFields(value, "tool_choice") : {};
  if (field(choice, "type") !== "function") {
    const message = "'tool_choice' must be 'none', 'auto', 'required' or an object of type 'function'";
    throw invalid("tool_choice", message, "invalid_value");
  }
  onlyFields(choice, ["type", "function"], "tool_choice");
  const named = asFields(field(choice, "function"), "tool_choice.function");
  onlyFields(named, ["name"], "tool_choice.function");
  return { name: asText(field(named, "name"), "tool_choice.function.name") };
}

/** Calls of an earlier answer, also as the official client's helpers hand them back; undefined for none. */
export function readCalls(value: unknown, where: string): PastToolCall[] | undefined {
  if (value === undefined) return undefined;
  const calls = Array.from(asList(value, where), (given, i) => {
    const at = `${where}[${i}]`;
    const call = asFields(given, at);
    onlyFields(call, ["id", "type", "function", "index"], at);
    const described = asFields(field(call, "function"), `${at}.function`);
    onlyFields(described, ["name", "arguments", "parsed_arguments"], `${at}.function`);
    return {
      id: asText(field(call, "id"), `${at}.id`),
      type: "function" as const,
      function: {
        name: asText(field(described, "name"), `${at}.function.name`),
        arguments: asText(field(described, "arguments"), `${at}.function.arguments`),
      },
    };
  });
  return calls.length > 0 ? calls : undefined;
}
