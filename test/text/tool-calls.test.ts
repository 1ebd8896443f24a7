/** Calls of tools in the text of answers, convention by convention: as a whole, and cut into parts at every place. */
import { describe, expect, test } from "vitest";
import type { Tool } from "../../src/shared/tools.ts";
import { CallStream } from "../../src/text/tool-calls/call-stream.ts";
import type { ToolConvention } from "../../src/text/tool-calls/convention.ts";
import { CASES, CONVENTIONS, TOOLS } from "./tool-call-cases.ts";

interface Heard {
  text: string;
  calls: [name: string, args: unknown][];
  problems: number;
}

/** What a caller gathers from the pieces. Checks that ids and names stay and that indices grow. */
function hear(convention: ToolConvention, parts: readonly string[], tools: readonly Tool[] = TOOLS): Heard {
  let made = 0;
  const stream = new CallStream(convention, tools, () => `id${made++}`);
  const pieces = [...parts.flatMap((part) => stream.push(part)), ...stream.end()];
  const told: { id: string; name: string; arguments: string }[] = [];
  for (const piece of pieces) {
    if (piece.type !== "tool-call") continue;
    told[piece.index] ??= { id: piece.id, name: piece.name, arguments: "" };
    expect(piece).toMatchObject({ id: told[piece.index]!.id, name: told[piece.index]!.name });
    expect(piece.index).toBe(told.length - 1);
    told[piece.index]!.arguments += piece.arguments;
  }
  for (const { id, function: call } of stream.calls) expect(told.find((one) => one.id === id)).toEqual({ id, ...call });
  return {
    text: pieces.map((piece) => (piece.type === "text" ? piece.text : "")).join(""),
    calls: stream.calls.map(({ function: call }) => [call.name, JSON.parse(call.arguments)]),
    problems: pieces.filter(({ type }) => type === "tool-problem").length,
  };
}

describe.each(Object.keys(CASES) as (keyof typeof CASES)[])("%s", (name) => {
  test.each(Object.entries(CASES[name]))("%s", (_, { answer, text = "", calls = [], problems = 0 }) => {
    const convention = CONVENTIONS[name];
    const expected: Heard = { text, calls, problems };
    expect(hear(convention, [answer])).toEqual(expected);
    expect(hear(convention, [...answer])).toEqual(expected);
    for (let at = 1; at < answer.length; at++)
      // `expect` alone took most of the time.
      if (JSON.stringify(hear(convention, [answer.slice(0, at), answer.slice(at)])) !== JSON.stringify(expected))
        expect(hear(convention, [answer.slice(0, at), answer.slice(at)])).toEqual(expected);
  });

  // A call that is cut anywhere is text or a call; never both, never neither.
  test("cut at every place", () => {
    const convention = CONVENTIONS[name];
    for (const { answer, calls = [] } of Object.values(CASES[name])) {
      for (let length = 0; length < answer.length; length++) {
        const heard = hear(convention, [answer.slice(0, length)]);
        if (JSON.stringify(calls.slice(0, heard.calls.length)) !== JSON.stringify(heard.calls))
          expect(calls.slice(0, heard.calls.length)).toEqual(heard.calls);
        if (heard.calls.length === 0 && answer.slice(0, length) !== heard.text)
          expect(heard.text).toBe(answer.slice(0, length));
      }
    }
  });
});

test("arguments are told while they are written", () => {
  const convention = CONVENTIONS.tagged;
  const stream = new CallStream(convention, TOOLS, () => "id");
  const events = ['<tool_call>{"name": "fi', 'nd", "arguments": {"wh', 'at": "te', 'a"}', "}</tool_", "call>"].map(
    (part) => stream.push(part).map((piece) => (piece.type === "tool-call" ? [piece.name, piece.arguments] : piece)),
  );
  expect(events).toEqual([[], [["find", '{"wh']], [["find", 'at": "te']], [["find", 'a"}']], [], []]);
});

test("nesting, long names and odd members are harmless", () => {
  const deep = `${"[".repeat(5000)}`;
  for (const convention of Object.values(CONVENTIONS)) {
    for (const body of [deep, `{"name": "find", "arguments": {"what": ${deep}`, "x".repeat(10_000), '{"name": {}}']) {
      const answer = `${convention.openings[0]}${body}`;
      const heard = hear(convention, [answer]);
      expect(heard).toEqual({ text: answer, calls: [], problems: heard.problems });
    }
  }
  const { calls } = hear(CONVENTIONS.python, ["<|tool_call_start|>[find(what={'__proto__': 1})]<|tool_call_end|>"]);
  expect(JSON.stringify(calls[0]![1])).toBe('{"what":{"__proto__":1}}');
});
