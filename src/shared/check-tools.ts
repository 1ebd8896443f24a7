/** Checks the tools of a request, for a model here or on a server. past-calls.ts checks the calls of earlier turns. */
import { checkFields } from "./arguments.ts";
import { isJsonObject, isTooDeep, MAX_JSON_LEVELS, shown } from "./json.ts";
import { checkToolName } from "./past-calls.ts";
import type { Tool, ToolChoice } from "./tools.ts";

const MAX_TOOLS = 128;
/** All tools as JSON, in characters: half of the longest prompt. */
const MAX_LENGTH = 2 ** 17;

/** Tools that the model may call; none with the choice "none". */
export interface CheckedTools {
  tools: readonly Tool[];
  /** All that were given, whatever the choice. */
  given: readonly Tool[];
  /** Undefined where the model may choose, else the tools of which it must call one. */
  required: readonly Tool[] | undefined;
}

/**
 * Checks the fields of a request.
 *
 * @throws TypeError or RangeError that names field, value and limit
 */
export function checkTools(tools: unknown, choice: unknown): CheckedTools {
  const all = tools === undefined ? [] : checkList(tools);
  if (choice === undefined || choice === "auto") return { tools: all, given: all, required: undefined };
  if (choice === "none") return { tools: [], given: all, required: undefined };
  if (choice !== "required" && !isJsonObject(choice))
    throw new TypeError(`toolChoice must be "auto", "none", "required" or { name }, got ${shown(choice)}`);
  if (all.length === 0) throw new RangeError(`toolChoice ${shown(choice)} needs tools; add tools, or leave it out`);
  if (choice === "required") return { tools: all, given: all, required: all };
  checkFields("toolChoice", choice, ["name"]);
  const { name } = choice as ToolChoice & object;
  const named = all.filter((tool) => tool.function.name === name);
  if (named.length === 0)
    throw new RangeError(`toolChoice.name must be ${all.map(nameOf).join(", ").slice(0, 200)}; got ${shown(name)}`);
  return { tools: all, given: all, required: named };
}

function nameOf(tool: Tool): string {
  return tool.function.name;
}

function checkList(tools: unknown): Tool[] {
  if (!Array.isArray(tools)) throw new TypeError(`tools must be a list, got ${shown(tools)}`);
  if (tools.length > MAX_TOOLS) throw new RangeError(`tools must hold at most ${MAX_TOOLS}, got ${tools.length}`);
  if (isTooDeep(tools)) throw new RangeError(`tools nest more than ${MAX_JSON_LEVELS} levels deep; make them simpler`);
  const checked = Array.from(tools, (tool, i) => checkTool(tool, `tools[${i}]`));
  const names = checked.map(nameOf);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new RangeError(`tools hold ${shown(twice)} twice; each name may stand once`);
  const { length } = JSON.stringify(checked);
  if (length > MAX_LENGTH)
    throw new RangeError(`tools have ${length} characters as JSON, at most ${MAX_LENGTH} are read; shorten them`);
  return checked;
}

function checkTool(tool: unknown, where: string): Tool {
  checkFields(where, tool, ["type", "function"]);
  const { type, function: described } = tool as Record<string, unknown>;
  if (type !== "function") throw new TypeError(`${where}.type must be "function", got ${shown(type)}`);
  checkFields(`${where}.function`, described, ["name", "description", "parameters", "strict"]);
  const { name, description, parameters, strict } = described as Record<string, unknown>;
  checkToolName(name, `${where}.function.name`);
  if (description !== undefined && typeof description !== "string")
    throw new TypeError(`${where}.function.description must be a string, got ${shown(description)}`);
  if (strict !== undefined && strict !== null && typeof strict !== "boolean")
    throw new TypeError(`${where}.function.strict must be true or false, got ${shown(strict)}`);
  return {
    type: "function",
    function: {
      name: name as string,
      ...(description !== undefined && { description }),
      ...(parameters !== undefined && { parameters: readParameters(parameters, `${where}.function.parameters`) }),
      ...(typeof strict === "boolean" && { strict }),
    },
  };
}

/** Keywords that say by themselves which values are meant. */
const CHOICES = ["$ref", "anyOf", "oneOf", "allOf", "enum", "const"];

/** A copy of data only: templates and grammars read it. Without a type, the schema is one of objects. */
function readParameters(parameters: unknown, where: string): object {
  if (!isJsonObject(parameters))
    throw new TypeError(`${where} must be a JSON Schema of an object, got ${shown(parameters)}`);
  const { type, properties } = parameters;
  const isChoice = CHOICES.some((name) => parameters[name] !== undefined);
  if (type !== "object" && !(type === undefined && (!isChoice || parameters.$ref !== undefined)))
    throw new RangeError(`${where}.type must be "object", got ${shown(type)}`);
  if (properties !== undefined && !isJsonObject(properties))
    throw new TypeError(`${where}.properties must be an object, got ${shown(properties)}`);
  const copy = JSON.parse(JSON.stringify(parameters)) as object;
  return isChoice || type !== undefined ? copy : { type: "object", ...copy };
}
