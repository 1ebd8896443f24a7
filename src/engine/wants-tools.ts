/** Detects requests with tools: tool-use.ts is loaded only for those. */
import type { GenerateRequest } from "../api.ts";

export type ToolFields = Pick<GenerateRequest, "tools" | "toolChoice" | "parallelToolCalls" | "format" | "messages">;

/** True if the request has a tool field, or a message holds a call or its result. */
export function wantsTools(request: ToolFields): boolean {
  const { tools, toolChoice, parallelToolCalls } = request;
  return [tools, toolChoice, parallelToolCalls].some((field) => field !== undefined) || mentionsCalls(request);
}

/** True if a message is a tool's result or an answer with calls. */
export function mentionsCalls({ messages }: ToolFields): boolean {
  return (
    Array.isArray(messages) &&
    messages.some((message) => message?.role === "tool" || (message?.role === "assistant" && message.tool_calls))
  );
}
