/** Messages of a conversation, as callers write them. */
import type { ImageInput } from "./picture.ts";
import type { PastToolCall } from "./tools.ts";

export type MessagePart = { type: "text"; text: string } | { type: "image"; image: ImageInput };

export type Message =
  | { role: "system" | "user"; content: string | MessagePart[] }
  /** An earlier answer, with the calls that it made. */
  | { role: "assistant"; content: string | MessagePart[]; tool_calls?: PastToolCall[] }
  /** What a tool returned: text, often JSON. `name` is needed only where no earlier message has the call's id. */
  | { role: "tool"; content: string | MessagePart[]; tool_call_id?: string; name?: string };
