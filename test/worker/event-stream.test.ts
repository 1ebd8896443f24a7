/** Events of an answer on their way to the page: one message at a time, and those in between together. */
import { expect, test } from "vitest";
import type { GenerationEvent } from "../../src/api.ts";
import { EventStream } from "../../src/worker/event-stream.ts";

const text = (text: string): GenerationEvent => ({ type: "text", text });

test("what comes while a message is on its way goes with the next, as soon as that was read", () => {
  const sent: string[] = [];
  const stream = new EventStream((events) =>
    sent.push(events.map((event) => (event.type === "text" ? event.text : event.type)).join()),
  );
  stream.push(text("a"));
  stream.push(text("b"));
  stream.push(text("c"));
  expect(sent).toEqual(["a"]);
  stream.taken();
  expect(sent).toEqual(["a", "b,c"]);
  stream.push(text("d"));
  expect(sent).toEqual(["a", "b,c"]);
  // The end of an answer does not wait for the page.
  stream.flush();
  expect(sent).toEqual(["a", "b,c", "d"]);
  stream.taken();
  stream.push(text("e"));
  expect(sent).toEqual(["a", "b,c", "d", "e"]);
});
