/** Conversations for the text room: roles, texts, and places of pictures. */

import { checkCalls, checkId, type TemplateCall } from "../shared/past-calls.ts";
import type { PastToolCall } from "../shared/tools.ts";
import { show } from "./json.ts";

export type Role = "system" | "user" | "assistant" | "tool";

/** A part of a message. This room does not read the picture itself. */
export type ChatPart = { readonly type: "text"; readonly text: string } | { readonly type: "image" };

/** A content is one string or a list of parts. */
export type ContentForm = "string" | "parts";

export interface ChatMessage {
  readonly role: Role;
  readonly content: string | readonly ChatPart[];
  /** For an assistant. */
  readonly tool_calls?: readonly PastToolCall[] | undefined;
  /** For a tool: the call that it answers, and the tool's name. */
  readonly tool_call_id?: string | undefined;
  readonly name?: string | undefined;
}

/** A message whose content is checked and written as parts. */
export interface CheckedMessage {
  readonly role: Role;
  readonly parts: readonly ChatPart[];
  /** The form in which the caller gave the content. */
  readonly form: ContentForm;
  readonly calls?: readonly TemplateCall[];
  readonly callId?: string;
  /** For a tool; taken from the call if the message lacks it. */
  readonly name?: string;
}

/**
 * Checks a caller's conversation.
 *
 * @throws TypeError with message, field and value
 * @throws RangeError for an empty conversation
 */
export function checkMessages(messages: readonly ChatMessage[]): CheckedMessage[] {
  if (!Array.isArray(messages)) throw new TypeError(`messages must be a list, got ${show(messages)}`);
  if (messages.length === 0) throw new RangeError("messages must hold at least one message, got none");
  const names = new Map<string, string>();
  return messages.map((message, i) => {
    const checked = checkMessage(message, `messages[${i}]`, names);
    for (const call of checked.calls ?? []) if (call.id !== undefined) names.set(call.id, call.function.name);
    return checked;
  });
}

/** @param names of the tools by the calls' ids */
function checkMessage(message: unknown, where: string, names: ReadonlyMap<string, string>): CheckedMessage {
  if (typeof message !== "object" || message === null)
    throw new TypeError(`${where} must be an object, got ${show(message)}`);
  const { role, content, tool_calls: given, tool_call_id: id, name } = message as ChatMessage;
  if (role !== "system" && role !== "user" && role !== "assistant" && role !== "tool")
    throw new TypeError(`${where}.role must be "system", "user", "assistant" or "tool", got ${show(role)}`);
  if (given !== undefined && role !== "assistant")
    throw new TypeError(`${where}.tool_calls belong to messages of role "assistant", got role ${show(role)}`);
  const calls = given === undefined ? [] : checkCalls(given, `${where}.tool_calls`);
  const form = typeof content === "string" ? "string" : "parts";
  const checked = { role, form, parts: checkContent(content, `${where}.content`) } as const;
  if (role !== "tool") return calls.length > 0 ? { ...checked, calls } : checked;
  if (checked.parts.some(({ type }) => type === "image"))
    throw new TypeError(`${where}.content must be text: a tool's result holds no images`);
  const callId = checkId(id, `${where}.tool_call_id`);
  const called = checkId(name, `${where}.name`) ?? names.get(callId ?? "");
  return { ...checked, ...(callId !== undefined && { callId }), ...(called !== undefined && { name: called }) };
}

function checkContent(content: unknown, where: string): ChatPart[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content))
    throw new TypeError(`${where} must be a string or a list of parts, got ${show(content)}`);
  return content.map((part: { type?: unknown; text?: unknown } | null, i) => {
    if (part?.type === "image") return { type: "image" };
    if (part?.type !== "text")
      throw new TypeError(`${where}[${i}].type must be "text", "image" or "video", got ${show(part?.type)}`);
    if (typeof part.text !== "string")
      throw new TypeError(`${where}[${i}].text must be a string, got ${show(part.text)}`);
    return { type: "text", text: part.text };
  });
}
