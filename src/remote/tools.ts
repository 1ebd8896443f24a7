/** Tools of a request in OpenAI's form, and the calls of a streamed answer. */
import type { GenerateRequest, GenerationEvent, Message, ToolCall } from "../api.ts";
import { checkFields } from "../shared/arguments.ts";
import { isJsonObject, shown } from "../shared/json.ts";

type Body = Record<string, unknown>;

const MAX_TOOLS = 128;
/** Calls of one answer, and characters of all their arguments. */
const MAX_CALLS = 128;
const MAX_ARGUMENTS = 1 << 20;

/** The fields of a request that speak of tools. The server checks the tools' schemas. Throws TypeError or RangeError. */
export function toolFields({ tools, toolChoice, parallelToolCalls }: Partial<GenerateRequest>): Body {
  if (tools === undefined) {
    if (toolChoice !== undefined && toolChoice !== "auto" && toolChoice !== "none")
      throw new RangeError(`toolChoice ${shown(toolChoice)} needs tools; add tools, or leave it out`);
    return {};
  }
  const names = toolNames(tools);
  if (names.length === 0) return {};
  return {
    tools,
    ...(toolChoice !== undefined && { tool_choice: choiceOf(toolChoice, names) }),
    ...(parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
  };
}

function toolNames(tools: unknown): string[] {
  if (!Array.isArray(tools)) throw new TypeError(`tools must be a list, got ${shown(tools)}`);
  if (tools.length > MAX_TOOLS) throw new RangeError(`tools must hold at most ${MAX_TOOLS}, got ${tools.length}`);
  return tools.map((tool, i) => {
    checkFields(`tools[${i}]`, tool, ["type", "function"]);
    if (tool.type !== "function") throw new TypeError(`tools[${i}].type must be "function", got ${shown(tool.type)}`);
    checkFields(`tools[${i}].function`, tool.function, ["name", "description", "parameters"]);
    const { name } = tool.function;
    if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name))
      throw new TypeError(
        `tools[${i}].function.name must have 1 to 64 letters, digits, "_", "-" or ".", got ${shown(name)}`,
      );
    return name;
  });
}

function choiceOf(choice: NonNullable<GenerateRequest["toolChoice"]>, names: readonly string[]): unknown {
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  checkFields("toolChoice", choice, ["name"]);
  if (!names.includes(choice.name))
    throw new RangeError(`toolChoice.name must be ${names.join(", ").slice(0, 200)}; got ${shown(choice.name)}`);
  return { type: "function", function: { name: choice.name } };
}

/** The fields of a message that speak of calls: those that an assistant made, or the one that a tool answers. */
export function callFields(message: Message, where: string): Body {
  if (message.role === "tool") {
    const { tool_call_id: id, name } = message;
    if (typeof id !== "string" || id === "")
      throw new TypeError(`${where}.tool_call_id must name the call that the tool answers, got ${shown(id)}`);
    return { tool_call_id: id, ...(name !== undefined && { name }) };
  }
  if (message.role !== "assistant" || message.tool_calls === undefined) return {};
  if (!Array.isArray(message.tool_calls))
    throw new TypeError(`${where}.tool_calls must be a list, got ${shown(message.tool_calls)}`);
  const calls = message.tool_calls.map((call, i) => {
    const at = `${where}.tool_calls[${i}]`;
    checkFields(at, call);
    checkFields(`${at}.function`, call.function, ["name", "arguments"]);
    const { name, arguments: given } = call.function;
    if (typeof name !== "string") throw new TypeError(`${at}.function.name must be a string, got ${shown(name)}`);
    const text = typeof given === "string" ? given : JSON.stringify(given ?? {});
    return { id: call.id ?? `call_${i}`, type: "function", function: { name, arguments: text } };
  });
  return calls.length > 0 ? { tool_calls: calls } : {};
}

/** One call's part in an event of the stream. */
export interface CallDelta {
  index: number;
  id: string | undefined;
  name: string | undefined;
  arguments: string;
}

/** The calls' parts in a delta; those of a wrong shape are passed over. */
export function readCallDeltas(value: unknown): CallDelta[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MAX_CALLS).flatMap((part, at): CallDelta[] => {
    if (!isJsonObject(part) || !isJsonObject(part.function)) return [];
    const { index = at, id } = part;
    const { name, arguments: text = "" } = part.function;
    if (!Number.isInteger(index) || (index as number) < 0 || (index as number) >= MAX_CALLS) return [];
    if (typeof text !== "string") return [];
    const known = (field: unknown) => (typeof field === "string" && field !== "" ? field.slice(0, 200) : undefined);
    return [{ index: index as number, id: known(id), name: known(name), arguments: text }];
  });
}

/** The calls of an answer while they come. */
export class CallReader {
  readonly #calls = new Map<number, ToolCall>();
  #length = 0;

  /** The events of a part. Throws RangeError for more than an answer may have. */
  take({ index, id, name, arguments: text }: CallDelta): GenerationEvent[] {
    this.#length += text.length;
    if (this.#length > MAX_ARGUMENTS) throw new RangeError(`more than ${MAX_ARGUMENTS} characters of arguments`);
    const call = this.#calls.get(index) ?? {
      id: id ?? `call_${index}`,
      type: "function",
      function: { name: name ?? "", arguments: "" },
    };
    call.function.arguments += text;
    this.#calls.set(index, call);
    return [{ type: "tool-call", index, id: call.id, name: call.function.name, arguments: text }];
  }

  /** The whole calls. Those that are no call are named by an event each, and their text is given back. */
  end(): { calls: ToolCall[]; events: GenerationEvent[] } {
    const calls: ToolCall[] = [];
    const events: GenerationEvent[] = [];
    for (const call of this.#calls.values()) {
      const { name, arguments: text } = call.function;
      if (text.trim() === "") call.function.arguments = "{}";
      const problem =
        name === ""
          ? "the call names no tool"
          : isObjectText(call.function.arguments)
            ? undefined
            : `the arguments of ${name} are no JSON object`;
      if (problem === undefined) calls.push(call);
      else events.push({ type: "text", text }, { type: "tool-problem", message: problem });
    }
    return { calls, events };
  }
}

function isObjectText(text: string): boolean {
  try {
    return isJsonObject(JSON.parse(text));
  } catch {
    return false;
  }
}
