/** Writes a conversation in a plain format of words, for a model without a chat template. */
import type { PromptFormat, QueryFormat, TranscriptFormat } from "../spec/prompt-spec.ts";
import type { ChatPart, Role } from "./messages.ts";

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

/** A message for a transcript. */
export interface Turn {
  role: Role;
  parts: readonly ChatPart[];
}

export interface TranscriptOptions {
  /** As `writeQuery`'s. */
  bosId: number | undefined;
  /** End with the beginning of an answer. */
  addGenerationPrompt: boolean;
  /** Stands for a picture. */
  place: string;
  /** Writes a message's text so that it stays text. Called with all neighbouring text: a token may begin in one part and end in the next. */
  literal(text: string, role: Role): string;
}

interface Writer extends Pick<TranscriptOptions, "literal"> {
  /** A picture's place. @param isNext directly after another picture */
  pictureAfter(isNext: boolean): string;
}

/**
 * Returns the begin token's id and a transcript. A single message of the user that begins with the user's word is one
 * already. Its parts are written as the model's own processor does, with the end token between two texts.
 */
export function writeTranscript(
  format: TranscriptFormat,
  turns: readonly Turn[],
  options: TranscriptOptions,
): (string | number)[] {
  const { speaker, answerer, end = "", around } = format;
  const { bosId, addGenerationPrompt, place, literal } = options;
  const writer: Writer = { literal, pictureAfter: (isNext) => (isNext ? "" : around) + place + around };
  const words: Partial<Record<Role, string>> = { user: speaker, assistant: answerer };
  const lines = turns.map((turn) => {
    const word = words[turn.role];
    return word === undefined ? bodyOf(turn, "", writer) : word + bodyOf(turn, " ", writer) + end;
  });
  if (addGenerationPrompt) lines.push(answerer);
  const text = isTranscript(format, turns) ? ownTranscript(turns[0]!, end, writer) : lines.join("\n");
  return [...(bosId === undefined ? [] : [bosId]), text];
}

/** The parts of a message without the spaces around its texts. @param before the first text, where it is the first part */
function bodyOf({ role, parts }: Turn, before: string, { pictureAfter, literal }: Writer): string {
  const texts = [""];
  for (const part of parts)
    if (part.type === "text") texts.push(texts.pop()! + part.text);
    else texts.push("");
  const written = texts.map((text) => literal(trimSpaces(text), role));
  const body = written.reduce((done, text, i) => done + pictureAfter(i > 1 && written[i - 1] === "") + text);
  return (written[0] === "" ? "" : before) + body;
}

function isTranscript({ speaker }: TranscriptFormat, [turn, ...others]: readonly Turn[]): boolean {
  const first = turn?.parts[0];
  return (
    turn?.role === "user" && others.length === 0 && first?.type === "text" && trimSpaces(first.text).startsWith(speaker)
  );
}

function ownTranscript({ role, parts }: Turn, end: string, { pictureAfter, literal }: Writer): string {
  let written = "";
  let text = "";
  for (const [i, part] of parts.entries()) {
    const last = parts[i - 1]?.type;
    if (part.type === "text" && !(last === "text" && end !== "")) {
      text += trimSpaces(part.text);
      continue;
    }
    written += literal(text, role) + (part.type === "text" ? end : pictureAfter(last === "image"));
    text = part.type === "text" ? trimSpaces(part.text) : "";
  }
  return written + literal(text, role);
}

/** Without the spaces at both ends: line breaks stay. */
function trimSpaces(text: string): string {
  let [start, end] = [0, text.length];
  while (text[start] === " ") start++;
  // Not by / +$/, which takes the square of the spaces inside a text.
  while (end > start && text[end - 1] === " ") end--;
  return text.slice(start, end);
}
