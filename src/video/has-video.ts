/** Finds videos in conversations, without the code that reads them. */
import type { Message, VideoPart } from "../shared/message.ts";

/**
 * True if any message has a part that is a video. Values of wrong kinds are ignored; the check of messages refuses
 * them.
 */
export function hasVideo(messages: readonly Message[]): boolean {
  return Array.isArray(messages) && messages.some((message) => partsOf(message).some(isVideo));
}

/** The parts of a message; none for a string or for a value of a wrong kind. */
function partsOf(message: Message | null | undefined): readonly Exclude<Message["content"], string>[number][] {
  const content = message?.content;
  return Array.isArray(content) ? content : [];
}

/** True for a part that is a video. */
export function isVideo(part: Exclude<Message["content"], string>[number] | null | undefined): part is VideoPart {
  return typeof part === "object" && part?.type === "video";
}
