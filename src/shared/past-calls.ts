/** Checks calls of earlier turns, as a caller gives them. */
import { isJsonObject, isTooDeep, MAX_JSON_LEVELS, shown } from "./json.ts";

const MAX_CALLS = 128;
const MAX_ID_LENGTH = 256;
const NAME = /^[\w.-]{1,64}$/;

/** A call as a template reads it. */
export interface TemplateCall {
  readonly id?: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: object };
}

/** Throws TypeError or RangeError for what is no name of a tool. */
export function checkToolName(name: unknown, where: string): void {
  if (typeof name !== "string") throw new TypeError(`${where} must be a string, got ${shown(name)}`);
  if (!NAME.test(name))
    throw new RangeError(`${where} must have 1 to 64 letters, digits, "_", "-" or ".", got ${shown(name)}`);
}

/** The calls of an assistant's message. Throws as `checkTools`. */
export function checkCalls(calls: unknown, where: string): TemplateCall[] {
  if (!Array.isArray(calls)) throw new TypeError(`${where} must be a list, got ${shown(calls)}`);
  if (calls.length > MAX_CALLS) throw new RangeError(`${where} must hold at most ${MAX_CALLS}, got ${calls.length}`);
  return Array.from(calls, (call, i) => {
    const at = `${where}[${i}]`;
    const described = isJsonObject(call) ? call.function : undefined;
    if (!isJsonObject(described))
      throw new TypeError(`${at} must be an object with a field function, got ${shown(call)}`);
    checkToolName(described.name, `${at}.function.name`);
    const id = checkId((call as { id?: unknown }).id, `${at}.id`);
    const written = argumentsOf(described.arguments, `${at}.function.arguments`);
    return {
      ...(id !== undefined && { id }),
      type: "function",
      function: { name: described.name as string, arguments: written },
    };
  });
}

/** An object, or its text. Templates write objects. */
function argumentsOf(value: unknown, where: string): object {
  let parsed = value;
  try {
    if (typeof value === "string") parsed = value.trim() === "" ? {} : JSON.parse(value);
  } catch {
    // Reported below.
  }
  if (!isJsonObject(parsed))
    throw new TypeError(`${where} must be a JSON object or the text of one, got ${shown(value)}`);
  if (isTooDeep(parsed)) throw new RangeError(`${where} nests more than ${MAX_JSON_LEVELS} levels deep`);
  return JSON.parse(JSON.stringify(parsed)) as object;
}

/** An id of a call; undefined where there is none. */
export function checkId(id: unknown, where: string): string | undefined {
  if (id === undefined) return undefined;
  if (typeof id !== "string") throw new TypeError(`${where} must be a string, got ${shown(id)}`);
  if (id.length > MAX_ID_LENGTH)
    throw new RangeError(`${where} must have at most ${MAX_ID_LENGTH} characters, got ${id.length}`);
  return id;
}

/** A plain value with each of its strings, names of members too, replaced. */
export function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), mapStrings(item, change)])) as T;
}
