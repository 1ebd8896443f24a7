/**
 * A stream of server-sent events as JSON values. Everything in it is hostile: lines, events, bytes and levels are
 * bounded.
 */
import { createParser } from "eventsource-parser";
import { isTooDeep, shown } from "../shared/json.ts";
import { ServerError } from "./server-error.ts";

/** Characters of one event. Those of an answer have hundreds; log-probabilities of 20 tokens some thousands. */
export const MAX_EVENT_CHARACTERS = 1 << 20;
/** Bytes of one answer. */
const MAX_STREAM_BYTES = 1 << 26;

/** How the stream ended. "ended": without OpenAI's last event. */
export type StreamEnd = "done" | "ended";

/**
 * Reads events one after another. The generator returns how the stream ended, and throws ServerError for data that is no
 * JSON or exceeds a limit. Comments, names and ids of events are skipped.
 *
 * @param address for messages
 * @param words a server's words for a message
 */
export async function* readEvents(
  chunks: AsyncIterable<Uint8Array>,
  address: string,
  words: (text: string) => string,
): AsyncGenerator<unknown, StreamEnd, undefined> {
  let waiting: string[] = [];
  let isTooLong = false;
  const parser = createParser({
    onEvent: ({ data }) => waiting.push(data),
    onError: ({ type }) => {
      // Unknown fields are skipped, as the format says.
      if (type === "max-buffer-size-exceeded") isTooLong = true;
    },
    maxBufferSize: MAX_EVENT_CHARACTERS,
  });
  const decoder = new TextDecoder();
  let byteLength = 0;
  for await (const chunk of chunks) {
    byteLength += chunk.byteLength;
    if (byteLength > MAX_STREAM_BYTES)
      throw new ServerError(`${address} sent more than ${MAX_STREAM_BYTES} bytes for one answer; ask for fewer tokens`);
    parser.feed(decoder.decode(chunk, { stream: true }));
    const events = waiting;
    waiting = [];
    for (const data of events) {
      if (data.trim() === "[DONE]") return "done";
      yield parse(data, address, words);
    }
    if (isTooLong)
      throw new ServerError(
        `${address} sent an event of more than ${MAX_EVENT_CHARACTERS} characters; it is no server of this kind`,
      );
  }
  // The last event may lack the empty line after it. One that is cut is none.
  parser.feed(`${decoder.decode()}\n\n`);
  for (const data of waiting) {
    if (data.trim() === "[DONE]") return "done";
    const value = isJson(data) ? parse(data, address, words) : undefined;
    if (value !== undefined) yield value;
  }
  return "ended";
}

function isJson(data: string): boolean {
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}

function parse(data: string, address: string, words: (text: string) => string): unknown {
  let value: unknown;
  try {
    if (data.length <= MAX_EVENT_CHARACTERS) value = JSON.parse(data);
  } catch {
    // Reported below.
  }
  if (typeof value !== "object" || value === null)
    throw new ServerError(
      `${address} sent an event that is not a JSON object (${words(shown(data.slice(0, 200)))}); use a server with OpenAI's interface`,
    );
  if (isTooDeep(value)) throw new ServerError(`${address} sent an event that is nested too deep; use another server`);
  return value;
}
