/** Server-sent events whose bytes come in pieces. */
import { expect, test } from "vitest";
import { readEvents } from "../../src/remote/sse.ts";

test("events are the same however their bytes are cut, also within a character", async () => {
  const values = [{ text: "é€😀" }, { text: "日本" }, { end: true }];
  const stream = values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join("");
  const bytes = new TextEncoder().encode(`: a comment\n\n${stream}data: [DONE]\n\n`);
  for (const length of [1, 2, 3, 7, bytes.length]) {
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
    };
    const events = readEvents(chunks(), "https://example.org", (text) => text);
    const read: unknown[] = [];
    let next = await events.next();
    for (; !next.done; next = await events.next()) read.push(next.value);
    expect(read, `pieces of ${length} bytes`).toEqual(values);
    expect(next.value).toBe("done");
  }
});
