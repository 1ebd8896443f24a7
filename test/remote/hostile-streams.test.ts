/** Streams of servers that keep the rules loosely: cut anywhere, with other ends of lines, and calls in odd parts. */
import { describe, expect, test } from "vitest";
import type { GenerationEvent, Tool } from "../../src/api.ts";
import { DONE, deltaOf, FINISH, streamOf, useChatServer } from "../support/chat-server.ts";
import { MESSAGES, remoteTo } from "../support/failing-remote.ts";

const server = useChatServer();
const TOOLS: Tool[] = ["weather", "time"].map((name) => ({ type: "function", function: { name } }));
const TEXT = "Größe 日本 👩‍🚀 – ok";

async function eventsOf(parts: readonly (string | Uint8Array)[], tools?: Tool[]): Promise<GenerationEvent[]> {
  server.answers = [streamOf(parts)];
  const events: GenerationEvent[] = [];
  const request = { messages: MESSAGES, ...(tools && { tools }) };
  for await (const event of remoteTo(server).generate(request)) events.push(event);
  return events;
}

const textOf = (events: readonly GenerationEvent[]) =>
  events.map((event) => (event.type === "text" ? event.text : "")).join("");

describe("text", () => {
  const whole = [...TEXT].map((character) => deltaOf(character)).join("") + FINISH + DONE;

  test.for([1, 2, 3, 7, 64])("cut into pieces of %i bytes, within characters too", async (size) => {
    const bytes = new TextEncoder().encode(whole);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    expect(textOf(await eventsOf(pieces))).toBe(TEXT);
  });

  test.for([
    ["CRLF", "\r\n"],
    ["CR", "\r"],
  ])("lines that end in %s, also cut between the two", async ([, end]) => {
    const lines = whole.replaceAll("\n", end!);
    expect(textOf(await eventsOf([lines]))).toBe(TEXT);
    expect(textOf(await eventsOf([...lines]))).toBe(TEXT);
  });

  test("a byte order mark, comments, ids, names of events and empty events", async () => {
    const noise = `\ufeff: hello\n\nevent: message\nid: 7\nretry: 10\n\n:\n\ndata:\n\n`.replace("data:\n\n", "");
    expect(textOf(await eventsOf([noise, deltaOf("A"), ": ping\n\n", deltaOf("B"), FINISH, DONE]))).toBe("AB");
  });

  test("data over several lines", async () => {
    const split = deltaOf("A").replace("{", "{\ndata: ");
    expect(textOf(await eventsOf([split, FINISH, DONE]))).toBe("A");
  });

  test.for([
    ["no empty line after the last event", FINISH.trimEnd()],
    ["no empty line after [DONE]", FINISH + DONE.trimEnd()],
  ])("%s", async ([, tail]) => {
    const events = await eventsOf([deltaOf("A"), tail!]);
    expect(textOf(events)).toBe("A");
    expect(events.at(-1)).toMatchObject({ type: "done", reason: "stop" });
  });

  test("bytes that are no UTF-8 are told as such, and the rest stays", async () => {
    const [before, after] = deltaOf("A#B").split("#");
    const bytes = Buffer.concat([Buffer.from(before!), Uint8Array.of(0xff), Buffer.from(after!)]);
    expect(textOf(await eventsOf([bytes, FINISH, DONE]))).toBe("A\ufffdB");
  });

  test("content as a list of parts", async () => {
    const content = [{ type: "thinking", thinking: [] }, { type: "text", text: "A" }, { type: "text", text: "B" }, 5];
    expect(textOf(await eventsOf([deltaOf(undefined, { delta: { content } }), FINISH, DONE]))).toBe("AB");
  });
});

describe("calls", () => {
  const END = deltaOf(undefined, { finish_reason: "tool_calls" });
  const of = (...calls: object[]) => deltaOf(undefined, { delta: { tool_calls: calls } });
  async function callsOf(...parts: string[]) {
    const events = await eventsOf([...parts, END, DONE], TOOLS);
    const done = events.at(-1)!;
    const told = new Map<number, [name: string, args: string, ids: string]>();
    for (const event of events) {
      if (event.type !== "tool-call") continue;
      const [, args, ids] = told.get(event.index) ?? ["", "", ""];
      told.set(event.index, [event.name, args + event.arguments, ids.includes(event.id) ? ids : ids + event.id]);
    }
    const calls = (done.type === "done" && done.toolCalls) || [];
    // Events and the end agree, and the id of a call stays the same.
    expect([...told].toSorted(([a], [b]) => a - b).map(([, [name, args, id]]) => [id, name, args || "{}"])).toEqual(
      calls.map(({ id, function: { name, arguments: args } }) => [id, name, args]),
    );
    return calls.map(({ function: { name, arguments: args } }) => [name, args]);
  }

  test("out of order", async () => {
    const calls = await callsOf(
      of({ index: 1, id: "b", function: { name: "time", arguments: '{"a":' } }),
      of({ index: 0, id: "a", function: { name: "weather", arguments: "{" } }),
      of({ index: 1, function: { arguments: "1}" } }),
      of({ index: 0, function: { arguments: "}" } }),
    );
    expect(calls).toEqual([
      ["weather", "{}"],
      ["time", '{"a":1}'],
    ]);
  });

  test("arguments before the name, and the id last", async () => {
    const calls = await callsOf(
      of({ index: 0, function: { arguments: '{"a"' } }),
      of({ index: 0, function: { name: "weather", arguments: ":" } }),
      of({ index: 0, id: "a", function: { arguments: "1}" } }),
    );
    expect(calls).toEqual([["weather", '{"a":1}']]);
  });

  test("all numbered 0, or not numbered", async () => {
    for (const index of [0, undefined, null]) {
      const calls = await callsOf(
        of({ index, id: "a", function: { name: "weather", arguments: '{"a":1}' } }),
        of({ index, id: "b", function: { name: "weather", arguments: '{"a"' } }),
        of({ index, function: { arguments: ":2}" } }),
      );
      expect(calls).toEqual([
        ["weather", '{"a":1}'],
        ["weather", '{"a":2}'],
      ]);
    }
  });

  test("another id in each part", async () => {
    const calls = await callsOf(
      of({ index: 0, id: "a", function: { name: "weather", arguments: "" } }),
      of({ index: 0, id: "b", function: { arguments: '{"a"' } }),
      of({ index: 0, id: "c", function: { arguments: ":1}" } }),
    );
    expect(calls).toEqual([["weather", '{"a":1}']]);
  });

  test("the name in each part, and arguments that are an object, or null", async () => {
    const part = { index: 0, id: "a", function: { name: "weather", arguments: null } };
    const calls = await callsOf(of(part), of({ ...part, function: { name: "weather", arguments: { a: 1 } } }));
    expect(calls).toEqual([["weather", '{"a":1}']]);
  });

  test("more than an answer may have end it", async () => {
    const many = Array.from({ length: 129 }, (_, i) =>
      of({ id: `${i}`, function: { name: "weather", arguments: "{}" } }),
    );
    await expect(callsOf(...many)).rejects.toThrow(/more than 128 calls/);
  });
});
