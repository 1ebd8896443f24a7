/** Tools of a model with random weights: a required call is whole and fits its schema, and everything else stays text. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { GenerateRequest, GenerationEvent, Message, ModelFiles, Tool } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedBytes, sharedJson } from "../support/shared.ts";
import tagged from "../text/jinja/templates/hermes-tools.jinja?raw";
import python from "../text/jinja/templates/lfm2-tools.jinja?raw";
import plain from "../text/jinja/templates/vicuna.jinja?raw";

const parameters = {
  type: "object",
  properties: {
    place: { type: "string", maxLength: 6 },
    days: { type: "integer", minimum: 1, maximum: 9 },
    unit: { enum: ["C", "F"] },
  },
  required: ["place", "unit"],
  additionalProperties: false,
};
const tools: Tool[] = [
  { type: "function", function: { name: "weather", description: "Tells the weather", parameters } },
  { type: "function", function: { name: "clock" } },
];
const messages: Message[] = [{ role: "user", content: "Is it warm?" }];
const MARKS = ["<|tool_call_start|>", "<|tool_call_end|>"];

const FOLDER = "golden/families/text-lfm2/model";
const { device } = useDevice();
const models = new Map<string, Fovea>();

beforeAll(async () => {
  const names = ["config.json", "generation_config.json", "model.safetensors", "tokenizer_config.json"];
  const files: ModelFiles = {};
  for (const name of names) files[name] = await sharedBytes(`${FOLDER}/${name}`);
  const tokenizer = await sharedJson<{ added_tokens: object[] }>(`${FOLDER}/tokenizer.json`);
  for (const [i, content] of MARKS.entries())
    tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0], id: 348 + i, content, special: true });
  const bytes = (text: string) => new TextEncoder().encode(text);
  for (const [name, template] of Object.entries({ tagged, python, plain })) {
    const own = { "tokenizer.json": bytes(JSON.stringify(tokenizer)), "chat_template.jinja": bytes(template) };
    const options = { weights: "f32", precision: "f32", maxContext: 1024, device: device() } as const;
    models.set(name, await Fovea.load({ ...files, ...own }, options));
  }
});
afterAll(() => {
  for (const model of models.values()) model.dispose();
});

async function ask(name: string, request: Partial<GenerateRequest>) {
  const events: GenerationEvent[] = [];
  const settings = { maxTokens: 150, temperature: 1, ...request };
  for await (const event of models.get(name)!.generate({ messages, tools, ...settings })) events.push(event);
  const done = events.at(-1);
  if (done?.type !== "done") throw new Error("no done event");
  const text = events.map((event) => (event.type === "text" ? event.text : "")).join("");
  return { events, done, text, calls: done.toolCalls ?? [] };
}

test.for(["tagged", "python"])("%s: a required call is whole and valid", async (name) => {
  let ended = 0;
  for (let seed = 0; seed < 4; seed++) {
    const { events, done, text, calls } = await ask(name, { toolChoice: "required", parallelToolCalls: false, seed });
    if (done.reason !== "stop") continue;
    ended++;
    expect([text, calls.length]).toEqual(["", 1]);
    const { name: tool, arguments: args } = calls[0]!.function;
    const ajv = new Ajv2020({ strict: false });
    expect(ajv.validate(tool === "clock" ? { maxProperties: 0 } : parameters, JSON.parse(args)), args).toBe(true);
    const deltas = events.flatMap((event) => (event.type === "tool-call" ? event.arguments : []));
    expect(deltas.join("")).toBe(args);
  }
  expect(ended).toBeGreaterThan(1);
});

test("a named tool is the one that is called, and the conversation goes on with its result", async () => {
  const { calls } = await ask("tagged", { toolChoice: { name: "clock" }, parallelToolCalls: false });
  expect(calls.map(({ function: { name } }) => name)).toEqual(["clock"]);
  const answered: Message[] = [
    ...messages,
    { role: "assistant", content: "", tool_calls: calls },
    { role: "tool", content: "12:00", tool_call_id: calls[0]!.id },
  ];
  const next = await ask("tagged", { messages: answered, maxTokens: 3 });
  expect(next.done.stats.newTokens).toBeGreaterThan(0);
});

test("random text without calls is the same as without tools, but for the prompt", async () => {
  const { events, text, calls } = await ask("tagged", { maxTokens: 12, seed: 5 });
  expect(calls).toEqual([]);
  expect(text.length).toBeGreaterThan(0);
  expect(events.some(({ type }) => type === "tool-call")).toBe(false);
  const model = models.get("tagged")!;
  const count = await model.countTokens(messages, { tools });
  expect(count.promptTokens).toBe(events.flatMap((event) => (event.type === "prefill" ? event.tokens : []))[0]);
  expect(count.promptTokens).toBeGreaterThan((await model.countTokens(messages)).promptTokens);
});

test("a call that is cut is text, with a named problem", async () => {
  const { events, done, text } = await ask("tagged", { toolChoice: { name: "weather" }, maxTokens: 30 });
  expect(done).toMatchObject({ reason: "length" });
  expect(done).not.toHaveProperty("toolCalls");
  expect(text).toMatch(/^<tool_call>\n\{"name": "weather"/);
  expect(events).toContainEqual({ type: "tool-problem", message: expect.stringMatching(/the answer ended within it/) });
});

test("a model without a known form says so", async () => {
  expect(models.get("plain")!.info.takesTools).toBe(false);
  expect(models.get("tagged")!.info.takesTools).toBe(true);
  await expect(ask("plain", {})).rejects.toMatchObject({
    code: "unsupported-model",
    message: expect.stringMatching(/cannot call tools/),
  });
  await expect(ask("plain", { tools: [] })).resolves.toBeTruthy();
});

const weather = tools[0]!;
test.for<[Partial<GenerateRequest>, RegExp]>([
  [{ tools: {} as never }, /^tools must be a list/],
  [{ tools: [weather, weather] }, /^tools hold "weather" twice/],
  [{ tools: [{ type: "function", function: { name: "a b" } }] }, /^tools\[0\]\.function\.name must have/],
  [{ tools: [{ type: "x" } as never] }, /^tools\[0\]\.type must be "function"/],
  [{ tools: [{ type: "function", function: { name: "a", parameters: [] } }] }, /parameters must be a JSON Schema/],
  [{ tools: [{ type: "function", function: { name: "a", parameters: { type: "string" } } }] }, /type must be "object"/],
  [{ tools: Array.from({ length: 129 }, (_, i) => ({ ...weather, function: { name: `f${i}` } })) }, /at most 128/],
  [
    { tools: [{ type: "function", function: { name: "a", description: "x".repeat(140_000) } }] },
    /^tools have \d+ characters/,
  ],
  [{ toolChoice: "some" as never }, /^toolChoice must be/],
  [{ toolChoice: { name: "rain" } }, /^toolChoice\.name must be weather, clock; got "rain"/],
  [{ tools: [], toolChoice: "required" }, /needs tools/],
  [{ parallelToolCalls: 1 as never }, /^parallelToolCalls must be/],
  [{ format: { type: "json" } }, /^format and tools exclude each other/],
  [{ messages: [{ role: "user", content: "", tool_calls: [] } as never] }, /belong to messages of role "assistant"/],
  [
    {
      messages: [
        ...messages,
        { role: "assistant", content: "", tool_calls: [{ function: { name: "a", arguments: "{" } }] },
      ],
    },
    /messages\[1\]\.tool_calls\[0\]\.function\.arguments must be a JSON object/,
  ],
  [
    {
      toolChoice: "required",
      tools: [
        { type: "function", function: { name: "a", parameters: { type: "object", properties: { b: { not: {} } } } } },
      ],
    },
    /^tools cannot be followed: .*"not"/,
  ],
])("refused: %#", async ([request, message]) => {
  await expect(ask("tagged", request)).rejects.toThrow(message);
});
