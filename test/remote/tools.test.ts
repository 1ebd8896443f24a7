/** Tools on a server: what it is sent, and its calls, streamed as OpenAI streams them, broken ones too. */
import { describe, expect, test } from "vitest";
import type { GenerateRequest, GenerationEvent, Message, Tool } from "../../src/api.ts";
import { createRemote } from "../../src/remote/index.ts";
import { answerOf, DONE, deltaOf, streamOf, useChatServer } from "../support/chat-server.ts";

const server = useChatServer(answerOf("No call."));

const MESSAGES: Message[] = [{ role: "user", content: "What is the weather?" }];
const TOOLS: Tool[] = [
  {
    type: "function",
    function: { name: "weather", parameters: { type: "object", properties: { place: { type: "string" } } } },
  },
  { type: "function", function: { name: "time" } },
];
const sent = () => server.received.at(-1)!.body as Record<string, unknown>;

async function eventsOf(request: Partial<GenerateRequest> = {}) {
  const remote = createRemote({ baseURL: server.origin, model: "m", attempts: 1 });
  const events: GenerationEvent[] = [];
  for await (const event of remote.generate({ messages: MESSAGES, tools: TOOLS, ...request })) events.push(event);
  return events;
}

const callOf = (index: number, part: object) => deltaOf(undefined, { delta: { tool_calls: [{ index, ...part }] } });
const END = deltaOf(undefined, { finish_reason: "tool_calls" });
const of = (events: GenerationEvent[], type: GenerationEvent["type"]) => events.filter((event) => event.type === type);

describe("a request", () => {
  test("carries tools and their choice", async () => {
    await eventsOf();
    expect(sent()).toMatchObject({ tools: TOOLS });
    expect(sent()).not.toHaveProperty("tool_choice");
    await eventsOf({ toolChoice: { name: "time" }, parallelToolCalls: false });
    expect(sent()).toMatchObject({
      tool_choice: { type: "function", function: { name: "time" } },
      parallel_tool_calls: false,
    });
    for (const toolChoice of ["auto", "none", "required"] as const) {
      await eventsOf({ toolChoice });
      expect(sent().tool_choice).toBe(toolChoice);
    }
  });

  test("carries earlier calls and what tools returned", async () => {
    const earlier: Message[] = [
      ...MESSAGES,
      {
        role: "assistant",
        content: "",
        tool_calls: [{ id: "a", function: { name: "time", arguments: { zone: "UTC" } } }],
      },
      { role: "tool", tool_call_id: "a", content: "noon" },
    ];
    await eventsOf({ messages: earlier });
    expect(sent().messages).toEqual([
      MESSAGES[0],
      {
        role: "assistant",
        content: "",
        tool_calls: [{ id: "a", type: "function", function: { name: "time", arguments: '{"zone":"UTC"}' } }],
      },
      { role: "tool", tool_call_id: "a", content: "noon" },
    ]);
  });

  test.for<[string, object, RegExp]>([
    ["no list", { tools: {} }, /tools must be a list/],
    ["a tool without a name", { tools: [{ type: "function", function: {} }] }, /tools\[0\]\.function\.name/],
    ["another type", { tools: [{ type: "web", function: { name: "a" } }] }, /tools\[0\]\.type/],
    [
      "an unknown field",
      { tools: [{ type: "function", function: { name: "a", schema: {} } }] },
      /function\.schema is not known/,
    ],
    ["an unknown choice", { toolChoice: { name: "sun" } }, /toolChoice\.name must be weather, time; got "sun"/],
    ["a choice without tools", { tools: undefined, toolChoice: "required" }, /needs tools/],
    [
      "a result of no call",
      { messages: [...MESSAGES, { role: "tool", content: "noon" }] },
      /messages\[1\]\.tool_call_id/,
    ],
  ])("%s is refused before anything is sent", async ([, request, message]) => {
    await expect(eventsOf(request as Partial<GenerateRequest>)).rejects.toThrow(message);
    expect(server.received).toEqual([]);
  });
});

describe("calls", () => {
  test("come as they are written, and whole at the end", async () => {
    server.answers = [
      streamOf([
        deltaOf("Let me see."),
        callOf(0, { id: "a", type: "function", function: { name: "weather", arguments: "" } }),
        callOf(0, { function: { arguments: '{"place":' } }),
        callOf(1, { id: "b", function: { name: "time", arguments: "" } }),
        callOf(0, { function: { arguments: '"Rome"}' } }),
        END,
        DONE,
      ]),
    ];
    const events = await eventsOf();
    expect(of(events, "text")).toEqual([{ type: "text", text: "Let me see." }]);
    expect(of(events, "tool-call")).toEqual([
      { type: "tool-call", index: 0, id: "a", name: "weather", arguments: "" },
      { type: "tool-call", index: 0, id: "a", name: "weather", arguments: '{"place":' },
      { type: "tool-call", index: 1, id: "b", name: "time", arguments: "" },
      { type: "tool-call", index: 0, id: "a", name: "weather", arguments: '"Rome"}' },
    ]);
    expect(events.at(-1)).toMatchObject({
      type: "done",
      reason: "stop",
      toolCalls: [
        { id: "a", type: "function", function: { name: "weather", arguments: '{"place":"Rome"}' } },
        { id: "b", type: "function", function: { name: "time", arguments: "{}" } },
      ],
    });
  });

  test("that are none are text and a problem", async () => {
    server.answers = [
      streamOf([
        callOf(0, { id: "a", function: { name: "weather", arguments: '{"place":' } }),
        callOf(1, { id: "b", function: { arguments: "{}" } }),
        callOf(-1, { function: { name: "x" } }),
        callOf(2, { function: 5 }),
        END,
        DONE,
      ]),
    ];
    const events = await eventsOf();
    expect(of(events, "tool-problem").map((event) => "message" in event && event.message)).toEqual([
      "the arguments of weather are no JSON object",
      "the call names no tool",
    ]);
    expect(of(events, "text")).toEqual([
      { type: "text", text: '{"place":' },
      { type: "text", text: "{}" },
    ]);
    expect(events.at(-1)).not.toHaveProperty("toolCalls");
  });

  test("are passed over where no tools were given, and end a stream that never ends them", async () => {
    server.answers = [streamOf([callOf(0, { id: "a", function: { name: "weather", arguments: "{}" } }), END, DONE])];
    expect(of(await eventsOf({ tools: undefined } as never), "tool-call")).toEqual([]);
    const long = callOf(0, { id: "a", function: { name: "weather", arguments: "x".repeat(1 << 19) } });
    server.answers = [streamOf([long, long, long, END, DONE])];
    await expect(eventsOf()).rejects.toThrow(/more than 1048576 characters of arguments/);
  });
});
