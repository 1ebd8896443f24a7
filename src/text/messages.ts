/** Conversations for the text room: roles, texts, and places of pictures. */

import { show } from "./json.ts";

export type Role = "system" | "user" | "assistant";

/** A part of a message. This room does not read the picture itself. */
export type ChatPart = { readonly type: "text"; readonly text: string } | { readonly type: "image" };

/** A content is one string or a list of parts. */
export type ContentForm = "string" | "parts";

export interface ChatMessage {
  readonly role: Role;
  readonly content: string | readonly ChatPart[];
}

/** A message whose content is checked and written as parts. */
export interface CheckedMessage {
  readonly role: Role;
  readonly parts: readonly ChatPart[];
  /** The form in which the caller gave the content. */
  readonly form: ContentForm;
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
  return messages.map((message, i) => {
    const where = `messages[${i}]`;
    if (typeof message !== "object" || message === null)
      throw new TypeError(`${where} must be an object, got ${show(message)}`);
    const { role, content } = message as ChatMessage;
    if (role !== "system" && role !== "user" && role !== "assistant")
      throw new TypeError(`${where}.role must be "system", "user" or "assistant", got ${show(role)}`);
    const form = typeof content === "string" ? "string" : "parts";
    return { role, form, parts: checkContent(content, `${where}.content`) };
  });
}

function checkContent(content: unknown, where: string): ChatPart[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content))
    throw new TypeError(`${where} must be a string or a list of parts, got ${show(content)}`);
  return content.map((part: { type?: unknown; text?: unknown } | null, i) => {
    if (part?.type === "image") return { type: "image" };
    if (part?.type !== "text")
      throw new TypeError(
        `${where}[${i}].type must be "text" or "image", got ${show(part?.type)}${part?.type === "video" ? "; give frames of a video as pictures" : ""}`,
      );
    if (typeof part.text !== "string")
      throw new TypeError(`${where}[${i}].text must be a string, got ${show(part.text)}`);
    return { type: "text", text: part.text };
  });
}
