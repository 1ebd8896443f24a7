/** Tools in OpenAI's shape: requests, answers and streams, with the official client's helpers and with the AI SDK. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, isStepCount, Output, streamText, tool } from "ai";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { GenerationEvent } from "../../src/api.ts";
import { createFetch } from "../../src/openai/fetch.ts";
import { BEGINNING, done, FakeModel, requestOf, STATS, type Step, text } from "../support/fake-model.ts";

const parameters = { type: "object", properties: { place: { type: "string" } }, required: ["place"] };
const tools = [{ type: "function" as const, function: { name: "weather", description: "Tells it", parameters } }];

/** Events of an answer with calls, their arguments in two parts. */
function calling(...calls: [id: string, name: string, args: string][]): Step[] {
  const deltas = calls.flatMap(([id, name, args], index): GenerationEvent[] => [
    { type: "tool-call", index, id, name, arguments: "" },
    { type: "tool-call", index, id, name, arguments: args.slice(0, 4) },
    { type: "tool-call", index, id, name, arguments: args.slice(4) },
  ]);
  const toolCalls = calls.map(([id, name, args]) => ({
    id,
    type: "function" as const,
    function: { name, arguments: args },
  }));
  return [...BEGINNING, ...deltas, { type: "done", reason: "stop", stats: STATS, toolCalls }];
}
const CALL = calling(["abc123def", "weather", '{"place": "Rome"}']);
const ANSWER: Step[] = [...BEGINNING, text("Warm."), done()];

/** Gives other steps to each request. */
class Conversation extends FakeModel {
  readonly #turns: Step[][];
  constructor(...turns: Step[][]) {
    super();
    this.#turns = turns;
  }
  override generate(request: Parameters<FakeModel["generate"]>[0]) {
    this.steps = this.#turns[this.requests.length] ?? ANSWER;
    return super.generate(request);
  }
}

function clientOf(model: FakeModel): OpenAI {
  return new OpenAI({ fetch: createFetch(model), baseURL: "http://fovea.local/v1", apiKey: "unused" });
}

describe("requests", () => {
  test("say what the model is given", async () => {
    const model = new FakeModel();
    const past = {
      id: "abc123def",
      type: "function" as const,
      function: { name: "weather", arguments: '{"place":"Rome"}' },
    };
    await clientOf(model).chat.completions.create({
      model: "fovea",
      messages: [
        { role: "user", content: "Warm?" },
        { role: "assistant", content: null, tool_calls: [past] },
        { role: "tool", tool_call_id: "abc123def", content: [{ type: "text", text: "25" }] },
      ],
      tools: [{ ...tools[0]!, function: { ...tools[0]!.function, strict: true } }],
      tool_choice: { type: "function", function: { name: "weather" } },
      parallel_tool_calls: false,
    });
    const { signal: _, seed: __, ...request } = model.requests[0]!;
    expect(request).toEqual({
      messages: [
        { role: "user", content: "Warm?" },
        { role: "assistant", content: "", tool_calls: [past] },
        { role: "tool", tool_call_id: "abc123def", content: [{ type: "text", text: "25" }] },
      ],
      tools,
      toolChoice: { name: "weather" },
      parallelToolCalls: false,
    });
  });

  test.each([
    [{ tools: "x" }, "tools"],
    [{ tools: [{ type: "custom" }] }, "tools[0].type"],
    [{ tools: [{ type: "function" }] }, "tools[0].function"],
    [{ tools: [{ type: "function", function: { name: 5 } }] }, "tools[0].function.name"],
    [{ tools: [{ type: "function", function: { name: "a", parameters: [] } }] }, "tools[0].function.parameters"],
    [{ tools, tool_choice: "some" }, "tool_choice"],
    [{ tools, tool_choice: { type: "allowed_tools" } }, "tool_choice"],
    [{ tools, tool_choice: { type: "function", function: {} } }, "tool_choice.function.name"],
    [{ tools, parallel_tool_calls: 1 }, "parallel_tool_calls"],
    [{ messages: [{ role: "tool", content: "" }] }, "messages[0].tool_call_id"],
    [{ messages: [{ role: "assistant", tool_calls: [{}] }] }, "messages[0].tool_calls[0].function"],
  ])("refused: %#", async (changes, param) => {
    const body = requestOf(changes) as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming;
    await expect(clientOf(new FakeModel()).chat.completions.create(body)).rejects.toMatchObject({ status: 400, param });
  });
});

describe("the official client", () => {
  test("an answer of calls", async () => {
    const { choices } = await clientOf(new FakeModel(CALL)).chat.completions.create({ ...requestOf(), tools });
    expect(choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: null,
        tool_calls: [
          { id: "abc123def", type: "function", function: { name: "weather", arguments: '{"place": "Rome"}' } },
        ],
      },
    });
  });

  test("chunks as OpenAI sends them", async () => {
    const stream = await clientOf(new FakeModel(CALL)).chat.completions.create({ ...requestOf(), tools, stream: true });
    const deltas = [];
    for await (const { choices } of stream) deltas.push([choices[0]!.delta, choices[0]!.finish_reason]);
    expect(deltas).toEqual([
      [{ role: "assistant", content: null }, null],
      [
        { tool_calls: [{ index: 0, id: "abc123def", type: "function", function: { name: "weather", arguments: "" } }] },
        null,
      ],
      [{ tool_calls: [{ index: 0, function: { arguments: '{"pl' } }] }, null],
      [{ tool_calls: [{ index: 0, function: { arguments: 'ace": "Rome"}' } }] }, null],
      [{}, "tool_calls"],
    ]);
  });

  test("its stream helper gathers several calls", async () => {
    const steps = calling(["a", "weather", '{"place": "Rome"}'], ["b", "weather", '{"place": "Bonn"}']);
    const stream = clientOf(new FakeModel(steps)).chat.completions.stream({ ...requestOf(), tools });
    const message = await stream.finalMessage();
    expect(message.tool_calls?.map((call) => call.type === "function" && JSON.parse(call.function.arguments))).toEqual([
      { place: "Rome" },
      { place: "Bonn" },
    ]);
  });

  test.each([false, true])("runTools, streamed: %s", async (stream) => {
    const model = new Conversation(CALL, ANSWER);
    const seen: unknown[] = [];
    const run = (args: { place: string }) => {
      seen.push(args);
      return "25 degrees";
    };
    const runnable = {
      type: "function" as const,
      function: { name: "weather", description: "Tells it", parameters, parse: JSON.parse, function: run },
    };
    const { completions } = clientOf(model).chat;
    const runner = stream
      ? completions.runTools({ ...requestOf(), tools: [runnable], stream: true })
      : completions.runTools({ ...requestOf(), tools: [runnable] });
    expect(await runner.finalContent()).toBe("Warm.");
    expect(seen).toEqual([{ place: "Rome" }]);
    expect(model.requests[1]!.messages.slice(1)).toMatchObject([
      { role: "assistant", tool_calls: [{ id: "abc123def", function: { name: "weather" } }] },
      { role: "tool", tool_call_id: "abc123def", content: "25 degrees" },
    ]);
  });

  test("a broken call is text, and no reason to call", async () => {
    const steps: Step[] = [
      ...BEGINNING,
      { type: "tool-call", index: 0, id: "a", name: "weather", arguments: "{" },
      text("<tool_call>{"),
      { type: "tool-problem", message: "cut" },
      done("length"),
    ];
    const { choices } = await clientOf(new FakeModel(steps)).chat.completions.create({ ...requestOf(), tools });
    expect(choices[0]).toMatchObject({ finish_reason: "length", message: { content: "<tool_call>{" } });
    expect(choices[0]!.message).not.toHaveProperty("tool_calls");
  });
});

describe("the AI SDK", () => {
  const providerOf = (model: FakeModel) =>
    createOpenAICompatible({
      name: "fovea",
      baseURL: "http://fovea.local/v1",
      fetch: createFetch(model),
      supportsStructuredOutputs: true,
    })("fovea");
  const weather = tool({
    description: "Tells it",
    inputSchema: z.object({ place: z.string() }),
    execute: async ({ place }) => `${place}: 25`,
  });

  test("generateText and streamText", async () => {
    const whole = await generateText({ model: providerOf(new FakeModel()), prompt: "What is it?" });
    expect([whole.text, whole.finishReason, whole.usage.totalTokens]).toEqual(["A cat.", "stop", 24]);
    const stream = streamText({ model: providerOf(new FakeModel()), prompt: "What is it?" });
    let answer = "";
    for await (const part of stream.textStream) answer += part;
    expect(answer).toBe("A cat.");
  });

  test("an object that fits a schema", async () => {
    const model = new FakeModel([...BEGINNING, text('{"animals":["dog"],"count":1}'), done()]);
    const schema = z.object({ animals: z.array(z.string()), count: z.number().int() });
    const { object } = await generateObject({ model: providerOf(model), prompt: "?", schema });
    expect(object).toEqual({ animals: ["dog"], count: 1 });
    const { output } = await generateText({ model: providerOf(model), prompt: "?", output: Output.object({ schema }) });
    expect(output).toEqual({ animals: ["dog"], count: 1 });
    expect(model.requests[0]!.format).toMatchObject({
      type: "json-schema",
      schema: { required: ["animals", "count"] },
    });
  });

  test("tools, over two steps", async () => {
    const model = new Conversation(CALL, ANSWER);
    const common = { prompt: "Warm?", tools: { weather }, stopWhen: isStepCount(3) };
    const whole = await generateText({ model: providerOf(model), ...common });
    expect(whole.text).toBe("Warm.");
    expect(whole.steps[0]!.toolResults[0]).toMatchObject({ input: { place: "Rome" }, output: "Rome: 25" });
    expect(model.requests[1]!.messages.at(-1)).toMatchObject({ role: "tool", content: "Rome: 25" });
    const streamed = streamText({ model: providerOf(new Conversation(CALL, ANSWER)), ...common });
    const types: string[] = [];
    for await (const part of streamed.fullStream) types.push(part.type);
    expect(types).toContain("tool-input-delta");
    expect(types).toContain("tool-result");
    expect(await streamed.text).toBe("Warm.");
  });
});
