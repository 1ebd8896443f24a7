import { expect, test } from "vitest";
import { snapshot } from "../../src/shared/snapshot.ts";

test("copies lists and plain objects, and nothing else", () => {
  const data = new Uint8Array(4);
  const blob = new Blob([]);
  const { signal } = new AbortController();
  const image = { data, width: 1, height: 1 };
  const request = {
    messages: [{ role: "user", content: [{ type: "image", image }, { image: blob }] }],
    stop: ["a"],
    signal,
  };
  const copy = snapshot(request);
  expect(copy).toEqual(request);
  request.messages.push({ role: "assistant", content: [] });
  request.messages[0]!.content.pop();
  request.stop[0] = "b";
  image.width = 9;
  expect(copy.messages).toHaveLength(1);
  expect(copy.messages[0]!.content).toHaveLength(2);
  expect(copy.messages[0]!.content[0]).toEqual({ type: "image", image: { data, width: 1, height: 1 } });
  expect((copy.messages[0]!.content[0] as { image: typeof image }).image.data).toBe(data);
  expect((copy.messages[0]!.content[1] as { image: Blob }).image).toBe(blob);
  expect(copy.signal).toBe(signal);
  expect(copy.stop).toEqual(["a"]);
});

test("keeps values that are not plain, and ends for a request that contains itself", () => {
  class Own {
    field = [1];
  }
  const own = new Own();
  expect(snapshot({ own }).own).toBe(own);
  for (const value of [undefined, null, 1, "a", Symbol.iterator, () => {}]) expect(snapshot(value)).toBe(value);
  const self: { messages: unknown[] } = { messages: [] };
  self.messages.push(self);
  expect(snapshot(self).messages).toHaveLength(1);
  // A sparse list has undefined messages, which are refused later.
  expect(snapshot(Array(2))).toEqual([undefined, undefined]);
});
