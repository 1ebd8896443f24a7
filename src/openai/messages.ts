/** Checks conversations in OpenAI's shape and converts them to Fovea's. Loads no pictures: passes their addresses on. */
import type { Message, MessagePart, VideoPart } from "../api.ts";
import { type ApiError, invalid } from "./api-error.ts";
import { asFields, asList, asText, type Fields, field, onlyFields, shorten, wrongType } from "./fields.ts";
import { readCalls } from "./tools.ts";

const ROLES: Record<string, "system" | "user" | "assistant"> = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
};
const DETAILS = ["auto", "low", "high", "original"];
/** An answer may be passed back with all its fields; the official client's helpers add `parsed`. */
const OF_ANSWERS = ["refusal", "annotations", "audio", "tool_calls", "function_call", "parsed"];
/** No relative addresses: a worker would resolve them against its own file. */
const ADDRESS = /^(https?|data|blob):/i;

/** Throws an ApiError that names message, part and field. */
export function readMessages(value: unknown): Message[] {
  const list = asList(value, "messages");
  if (list.length === 0) throw invalid("messages", "'messages' must hold at least one message", "empty_array");
  // `map` would skip the holes of a sparse list.
  return Array.from(list, (message, i) => readMessage(asFields(message, `messages[${i}]`), `messages[${i}]`));
}

function readMessage(message: Fields, where: string): Message {
  const role = asText(field(message, "role"), `${where}.role`);
  if (role === "function" || field(message, "function_call") !== undefined)
    throw invalid(
      `${where}.role`,
      `'${where}': functions are not supported; use tools, tool_calls and messages of role 'tool'`,
      "unsupported_value",
    );
  if (role === "tool") return readResult(message, where);
  if (!Object.hasOwn(ROLES, role)) {
    const known = [...Object.keys(ROLES), "tool"].join(", ");
    throw invalid(`${where}.role`, `'${where}.role' must be one of ${known}, got '${shorten(role)}'`, "invalid_value");
  }
  onlyFields(message, ["role", "content", "name", ...(role === "assistant" ? OF_ANSWERS : [])], where);
  // The official client's helper makes null of an empty answer.
  const content = field(message, "content") ?? (role === "assistant" ? "" : undefined);
  const read = readContent(content, `${where}.content`, role === "user");
  if (role !== "assistant") return { role: ROLES[role] as "system" | "user", content: read };
  const calls = readCalls(field(message, "tool_calls"), `${where}.tool_calls`);
  return { role, content: read, ...(calls && { tool_calls: calls }) };
}

/** The result of a tool. */
function readResult(message: Fields, where: string): Message {
  onlyFields(message, ["role", "content", "tool_call_id", "name"], where);
  return {
    role: "tool",
    content: readContent(field(message, "content"), `${where}.content`, false),
    tool_call_id: asText(field(message, "tool_call_id"), `${where}.tool_call_id`),
  };
}

function readContent(content: unknown, where: string, mayShow: boolean): string | MessagePart[] {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw wrongType(where, "a string or an array of parts", content);
  if (content.length === 0) throw invalid(where, `'${where}' must hold at least one part`, "empty_array");
  return Array.from(content, (part, i) => readPart(asFields(part, `${where}[${i}]`), `${where}[${i}]`, mayShow));
}

/** A part of a message; throws as `readMessages`. @param mayShow whether it may be a picture or a video */
function readPart(part: Fields, where: string, mayShow: boolean): MessagePart {
  const type = asText(field(part, "type"), `${where}.type`);
  if (type !== "video_url") return readStill(part, where, mayShow, "'text', 'image_url' or 'video_url'");
  if (!mayShow) throw onlyOfUsers(where, type, "videos");
  onlyFields(part, ["type", "video_url"], where);
  const video = asFields(field(part, "video_url"), `${where}.video_url`);
  onlyFields(video, ["url"], `${where}.video_url`);
  return { type: "video", video: readUrl(video, `${where}.video_url.url`, "invalid_video_url") };
}

/**
 * A part without videos; throws as `readMessages`. @param mayShow whether it may be a picture. @param known for
 * messages
 */
export function readStill(
  part: Fields,
  where: string,
  mayShow: boolean,
  known = "'text' or 'image_url'",
): Exclude<MessagePart, VideoPart> {
  const type = asText(field(part, "type"), `${where}.type`);
  if (type === "text") {
    onlyFields(part, ["type", "text"], where);
    return { type: "text", text: asText(field(part, "text"), `${where}.text`) };
  }
  if (type !== "image_url")
    throw invalid(`${where}.type`, `'${where}.type' must be ${known}, got '${shorten(type)}'`, "invalid_value");
  if (!mayShow) throw onlyOfUsers(where, type, "pictures");
  onlyFields(part, ["type", "image_url"], where);
  return { type: "image", image: readPicture(part, `${where}.image_url`) };
}

function onlyOfUsers(where: string, type: string, kind: string): ApiError {
  const message = `'${where}.type' is '${type}', but only user messages may contain ${kind}`;
  return invalid(`${where}.type`, message, "invalid_value");
}

function readPicture(part: Fields, where: string): string {
  const image = asFields(field(part, "image_url"), where);
  onlyFields(image, ["url", "detail"], where);
  const detail = field(image, "detail");
  if (detail !== undefined && !DETAILS.includes(detail as string)) {
    const message = `'${where}.detail' must be one of ${DETAILS.join(", ")}`;
    throw invalid(`${where}.detail`, message, "invalid_value");
  }
  return readUrl(image, `${where}.url`, "invalid_image_url");
}

function readUrl(fields: Fields, where: string, code: string): string {
  const url = asText(field(fields, "url"), where);
  if (ADDRESS.test(url)) return url;
  const got = JSON.stringify(shorten(url));
  throw invalid(where, `'${where}' must be an absolute https:, http:, data: or blob: address, got ${got}`, code);
}
