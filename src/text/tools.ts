/** Checks the tools of a request. Loaded with the first tools; calls.ts checks the calls of earlier turns. */
import { isJsonObject, isTooDeep, MAX_JSON_LEVELS } from "../shared/json.ts";
import type { Tool, ToolChoice } from "../shared/tools.ts";
import { checkName } from "./calls.ts";
import { show } from "./json.ts";

const MAX_TOOLS = 128;
/** All tools as JSON, in characters: half of the longest prompt. */
const MAX_LENGTH = 2 ** 17;

/** Tools that the model may call; none with the choice "none". */
export interface CheckedTools {
  tools: readonly Tool[];
  /** The tools of which the model must call one; undefined if it may choose. */
  required: readonly Tool[] | undefined;
}

/**
 * Checks the fields of a request.
 *
 * @throws TypeError or RangeError that names field, value and limit
 */
export function checkTools(tools: unknown, choice: unknown): CheckedTools {
  const all = tools === undefined ? [] : checkList(tools);
  if (choice === undefined || choice === "auto") return { tools: all, required: undefined };
  if (choice === "none") return { tools: [], required: undefined };
  if (choice !== "required" && !isJsonObject(choice))
    throw new TypeError(`toolChoice must be "auto", "none", "required" or { name }, got ${show(choice)}`);
  if (all.length === 0) throw new RangeError(`toolChoice ${show(choice)} needs tools; add tools, or leave it out`);
  if (choice === "required") return { tools: all, required: all };
  const { name } = choice as ToolChoice & object;
  const named = all.filter((tool) => tool.function.name === name);
  if (named.length === 0)
    throw new RangeError(`toolChoice.name must be ${all.map(nameOf).join(", ").slice(0, 200)}; got ${show(name)}`);
  return { tools: all, required: named };
}

function nameOf(tool: Tool): string {
  return tool.function.name;
}

function checkList(tools: unknown): Tool[] {
  if (!Array.isArray(tools)) throw new TypeError(`tools must be a list, got ${show(tools)}`);
  if (tools.length > MAX_TOOLS) throw new RangeError(`tools must hold at most ${MAX_TOOLS}, got ${tools.length}`);
  if (isTooDeep(tools)) throw new RangeError(`tools nest more than ${MAX_JSON_LEVELS} levels deep; make them simpler`);
  const checked = Array.from(tools, (tool, i) => checkTool(tool, `tools[${i}]`));
  const names = checked.map(nameOf);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new RangeError(`tools hold ${show(twice)} twice; each name may stand once`);
  const { length } = JSON.stringify(checked);
  if (length > MAX_LENGTH)
    throw new RangeError(`tools have ${length} characters as JSON, at most ${MAX_LENGTH} are read; shorten them`);
  return checked;
}

function checkTool(tool: unknown, where: string): Tool {
  if (!isJsonObject(tool)) throw new TypeError(`${where} must be an object, got ${show(tool)}`);
  if (tool.type !== "function") throw new TypeError(`${where}.type must be "function", got ${show(tool.type)}`);
  const described = tool.function;
  if (!isJsonObject(described)) throw new TypeError(`${where}.function must be an object, got ${show(described)}`);
  const { name, description, parameters } = described;
  checkName(name, `${where}.function.name`);
  if (description !== undefined && typeof description !== "string")
    throw new TypeError(`${where}.function.description must be a string, got ${show(description)}`);
  if (parameters !== undefined) checkParameters(parameters, `${where}.function.parameters`);
  return {
    type: "function",
    function: {
      name: name as string,
      ...(description !== undefined && { description }),
      // A copy of data only: templates and grammars read it.
      ...(parameters !== undefined && { parameters: JSON.parse(JSON.stringify(parameters)) as object }),
    },
  };
}

function checkParameters(parameters: unknown, where: string): void {
  if (!isJsonObject(parameters))
    throw new TypeError(`${where} must be a JSON Schema of an object, got ${show(parameters)}`);
  const { type, properties, $ref } = parameters;
  if (type !== "object" && $ref === undefined)
    throw new RangeError(`${where}.type must be "object", got ${show(type)}`);
  if (properties !== undefined && !isJsonObject(properties))
    throw new TypeError(`${where}.properties must be an object, got ${show(properties)}`);
}
