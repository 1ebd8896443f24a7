/** Tools of a request in OpenAI's form, and the calls of a streamed answer. */
import type { GenerateRequest, GenerationEvent, Message, ToolCall, ToolChoice } from "../api.ts";
import { checkTools } from "../shared/check-tools.ts";
import { isJsonObject, shown } from "../shared/json.ts";
import { checkCalls, checkId } from "../shared/past-calls.ts";

type Body = Record<string, unknown>;

/** Calls of one answer, and characters of all their arguments. */
const MAX_CALLS = 128;
const MAX_ARGUMENTS = 1 << 20;

/** The fields of a request that speak of tools. Throws TypeError or RangeError. */
export function toolFields({ tools, toolChoice, parallelToolCalls }: Partial<GenerateRequest>): Body {
  const { given } = checkTools(tools, toolChoice);
  if (parallelToolCalls !== undefined && typeof parallelToolCalls !== "boolean")
    throw new TypeError(`parallelToolCalls must be true or false, got ${shown(parallelToolCalls)}`);
  if (given.length === 0) return {};
  return {
    tools: given,
    ...(toolChoice !== undefined && { tool_choice: choiceOf(toolChoice) }),
    ...(parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
  };
}

function choiceOf(choice: ToolChoice): unknown {
  return typeof choice === "string" ? choice : { type: "function", function: { name: choice.name } };
}

/** The fields of a message that speak of calls: those that an assistant made, or the one that a tool answers. */
export function callFields(message: Message, where: string): Body {
  if (message.role === "tool") {
    const { name } = message;
    const id = checkId(message.tool_call_id, `${where}.tool_call_id`);
    if (!id) throw new TypeError(`${where}.tool_call_id must name the call that the tool answers, got ${shown(id)}`);
    return { tool_call_id: id, ...(name !== undefined && { name }) };
  }
  if (message.role !== "assistant" || message.tool_calls === undefined) return {};
  const given = message.tool_calls;
  const calls = checkCalls(given, `${where}.tool_calls`).map(({ id, function: call }, i) => {
    // Text as it was: a server that knows it does not read it again.
    const text = given[i]!.function.arguments;
    const written = typeof text === "string" && text.trim() !== "" ? text : JSON.stringify(call.arguments);
    return { id: id ?? `call_${i}`, type: "function", function: { name: call.name, arguments: written } };
  });
  return calls.length > 0 ? { tool_calls: calls } : {};
}

/** One call's part in an event of the stream. */
export interface CallDelta {
  /** Undefined where the server numbers no calls. */
  index: number | undefined;
  id: string | undefined;
  name: string | undefined;
  arguments: string;
}

/** The calls' parts in a delta; those of a wrong shape are passed over. */
export function readCallDeltas(value: unknown): CallDelta[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MAX_CALLS).flatMap((part): CallDelta[] => {
    if (!isJsonObject(part)) return [];
    const { index, id, function: called = {} } = part;
    if (!isJsonObject(called)) return [];
    const { name, arguments: given } = called;
    const isIndex = Number.isInteger(index) && (index as number) >= 0 && (index as number) < MAX_CALLS;
    if (!isIndex && index !== undefined && index !== null) return [];
    // Some servers send the arguments as an object, which is whole then.
    const text = isJsonObject(given) ? JSON.stringify(given) : (given ?? "");
    if (typeof text !== "string") return [];
    const known = (field: unknown) => (typeof field === "string" && field !== "" ? field.slice(0, 200) : undefined);
    return [{ index: isIndex ? (index as number) : undefined, id: known(id), name: known(name), arguments: text }];
  });
}

/** A call while it comes. */
interface OpenCall {
  /** The number by which events name it. */
  index: number;
  /** The server's first one. */
  id: string | undefined;
  /** The id of its events, which stays. */
  toldId: string | undefined;
  name: string;
  arguments: string;
}

/** The calls of an answer while they come. */
export class CallReader {
  /** By the server's number, which several calls may share; the last of them is open. */
  readonly #open = new Map<number, OpenCall>();
  readonly #calls: OpenCall[] = [];
  #last: OpenCall | undefined;
  #length = 0;

  /** The events of a part. Throws RangeError for more than an answer may have. */
  take(delta: CallDelta): GenerationEvent[] {
    this.#length += delta.arguments.length;
    if (this.#length > MAX_ARGUMENTS) throw new RangeError(`more than ${MAX_ARGUMENTS} characters of arguments`);
    const call = this.#callOf(delta);
    this.#last = call;
    call.id ??= delta.id;
    const before = call.arguments;
    call.arguments += delta.arguments;
    if (call.name !== "") return [eventOf(call, delta.arguments)];
    // An event without a name would be of no use: the parts wait for it.
    if (delta.name === undefined) return [];
    call.name = delta.name;
    return [eventOf(call, before + delta.arguments)];
  }

  /**
   * The call that a part belongs to. Some servers number all calls 0, or none: then a name under another id begins a
   * call. Others give each part an id of its own, so that an id alone begins none.
   */
  #callOf({ index, id, name }: CallDelta): OpenCall {
    const known = index === undefined ? this.#last : this.#open.get(index);
    const isOther = known?.name && name !== undefined && id !== undefined && known.id !== id;
    if (known && !isOther) return known;
    if (this.#calls.length >= MAX_CALLS) throw new RangeError(`more than ${MAX_CALLS} calls`);
    const isFree = index !== undefined && this.#calls.every((call) => call.index !== index);
    const number = isFree ? index : this.#freeIndex();
    const call = { index: number, id: undefined, toldId: undefined, name: "", arguments: "" };
    this.#calls.push(call);
    if (index !== undefined) this.#open.set(index, call);
    return call;
  }

  #freeIndex(): number {
    return this.#calls.reduce((next, { index }) => Math.max(next, index + 1), 0);
  }

  /**
   * The whole calls, by their numbers. Those that are no call are named by an event each, and their text is given back.
   */
  end(): { calls: ToolCall[]; events: GenerationEvent[] } {
    const calls: ToolCall[] = [];
    const events: GenerationEvent[] = [];
    for (const call of this.#calls.toSorted((a, b) => a.index - b.index)) {
      const { name, arguments: given } = call;
      const text = given.trim() === "" ? "{}" : given;
      const problem =
        name === ""
          ? "the call names no tool"
          : isObjectText(text)
            ? undefined
            : `the arguments of ${name} are no JSON object`;
      if (problem === undefined) calls.push({ id: idOf(call), type: "function", function: { name, arguments: text } });
      else events.push({ type: "text", text: given }, { type: "tool-problem", message: problem });
    }
    return { calls, events };
  }
}

function eventOf(call: OpenCall, text: string): GenerationEvent {
  return { type: "tool-call", index: call.index, id: idOf(call), name: call.name, arguments: text };
}

function idOf(call: OpenCall): string {
  call.toldId ??= call.id ?? `call_${call.index}`;
  return call.toldId;
}

function isObjectText(text: string): boolean {
  try {
    return isJsonObject(JSON.parse(text));
  } catch {
    return false;
  }
}
