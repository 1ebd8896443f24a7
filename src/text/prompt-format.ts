/** Writes a conversation in a plain format of words, for a model without a chat template. */
import type { PromptFormat, QueryFormat } from "../spec/prompt-spec.ts";
import type { Role } from "./messages.ts";

/**
 * Returns text, with the id of the end token after each answer. An empty system message suppresses the default one.
 *
 * @param endId as an id, because not every tokenizer finds "</s>" within a text
 * @param addGenerationPrompt end with the start of an answer
 */
export function writeFormat(
  { system, user, answer }: PromptFormat,
  messages: readonly { role: Role; text: string }[],
  endId: number | undefined,
  addGenerationPrompt: boolean,
): (string | number)[] {
  const own = messages.filter(({ role }) => role === "system").map(({ text }) => text);
  const opening = own.length > 0 ? own.join("\n") : system;
  const pieces: (string | number)[] = [];
  let text = opening === "" ? "" : `${opening} `;
  for (const message of messages) {
    if (message.role === "user") text += `${user}${message.text} `;
    if (message.role !== "assistant") continue;
    text += `${answer} ${message.text}`;
    if (endId === undefined) continue;
    pieces.push(text, endId);
    text = "";
  }
  if (addGenerationPrompt) text += answer;
  return text === "" ? pieces : [...pieces, text];
}

/**
 * Returns the places of all pictures, the begin token's id, and the texts.
 *
 * @param bosId as an id, because not every tokenizer finds it within a text
 */
export function writeQuery(
  { closing, unmarked }: QueryFormat,
  { places, texts }: { places: readonly string[]; texts: readonly string[] },
  bosId: number | undefined,
): (string | number)[] {
  const end = unmarked && places.length === 0 ? "" : closing;
  const before = places.length > 0 ? [places.join("")] : [];
  return [...before, ...(bosId === undefined ? [] : [bosId]), texts.join("\n") + end];
}
