/** Messages of a conversation, as callers write them. */
import type { ImageInput } from "./picture.ts";
import type { PastToolCall } from "./tools.ts";
import type { VideoInput } from "./video.ts";

export type MessagePart = { type: "text"; text: string } | { type: "image"; image: ImageInput } | VideoPart;

/**
 * A video, which the model reads as pictures: sampled as it was trained, with its text between them. The first one
 * loads a library; the browser decodes (WebCodecs).
 */
export interface VideoPart {
  type: "video";
  video: VideoInput;
  /** Pictures at most, 1 to 64. Default: the model's own rule, or 8. */
  frames?: number;
}

export type Message =
  | { role: "system" | "user"; content: string | MessagePart[] }
  /** An earlier answer, with the calls that it made. */
  | { role: "assistant"; content: string | MessagePart[]; tool_calls?: PastToolCall[] }
  /** A tool's result: text, often JSON. `name` is needed only where no earlier message has the call's id. */
  | { role: "tool"; content: string | MessagePart[]; tool_call_id?: string; name?: string };
