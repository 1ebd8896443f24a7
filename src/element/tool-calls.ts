/** Calls of tools, as the element hands them to the page: one event a call, which a listener answers. */
import type { ToolCall } from "../api.ts";
import type { FoveaCallDetail } from "./events.ts";

/**
 * Dispatches a "fovea-call" for each call. Returns what the calls returned; undefined where a call has no answer, so that
 * the model's answer ends with them. Never rejects: the model reads that a tool failed.
 */
export function callTools(element: EventTarget, calls: readonly ToolCall[]): Promise<string[]> | undefined {
  const results = calls.map((call) => resultOf(element, call));
  if (results.some((result) => result === undefined)) return undefined;
  return Promise.all(results as Promise<string>[]);
}

function resultOf(element: EventTarget, call: ToolCall): Promise<string> | undefined {
  let result: Promise<string> | undefined;
  const respond = (value: unknown) => {
    result ??= Promise.resolve(value).then(textOf).catch(failureOf);
  };
  const detail: FoveaCallDetail = { call, args: JSON.parse(call.function.arguments), respond };
  element.dispatchEvent(new CustomEvent("fovea-call", { detail, bubbles: true, composed: true }));
  return result;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "null");
}

function failureOf(error: unknown): string {
  return JSON.stringify({ error: error instanceof Error ? error.message : String(error) });
}
