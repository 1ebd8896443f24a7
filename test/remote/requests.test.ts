/** Requests as servers take them, and refusals of what servers cannot do. */
import { describe, expect, test } from "vitest";
import type { GenerateRequest, GenerationEvent } from "../../src/api.ts";
import { createRemote, type RemoteOptions } from "../../src/remote/index.ts";
import { answerOf, jsonOf, useChatServer } from "../support/chat-server.ts";
import { pngOf } from "../support/png.ts";

const server = useChatServer(answerOf("A ", "cat."));

const KEY = "sk-secret-0123456789";
const remoteOf = (options: Partial<RemoteOptions> = {}) =>
  createRemote({ baseURL: server.origin, model: "llava", apiKey: KEY, ...options });
const MESSAGES = [{ role: "user" as const, content: "What is it?" }];

async function eventsOf(request: Partial<GenerateRequest> = {}, options: Partial<RemoteOptions> = {}) {
  const events: GenerationEvent[] = [];
  for await (const event of remoteOf(options).generate({ messages: MESSAGES, ...request })) events.push(event);
  return events;
}

const tinyPng = (width: number, height: number) =>
  new Uint8Array(pngOf(width, height, new Uint8Array(width * height * 3)));
const sent = () => server.received.at(-1)!.body;

describe("a request", () => {
  test("goes to the interface below the address, with the key and the defaults of generate", async () => {
    await remoteOf().generate({ messages: MESSAGES }).text();
    const { path, headers, body } = server.received[0]!;
    expect(path).toBe("/v1/chat/completions");
    expect(headers.authorization).toBe(`Bearer ${KEY}`);
    expect(headers).not.toHaveProperty("cookie");
    expect(body).toEqual({
      model: "llava",
      messages: MESSAGES,
      max_tokens: 256,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test("keeps a path and a query of the address", async () => {
    await remoteOf({ baseURL: `${server.origin}/models/x/?api-version=1#part` })
      .generate({ messages: MESSAGES })
      .text();
    expect(server.received[0]!.path).toBe("/models/x/chat/completions?api-version=1");
  });

  test("carries every setting that the interface has", async () => {
    await eventsOf(
      {
        maxTokens: 9,
        temperature: 0.5,
        topP: 0.9,
        presencePenalty: 1,
        frequencyPenalty: -1,
        seed: 7,
        stop: ["\n"],
        logitBias: { 5: -100 },
        format: { type: "json-schema", schema: { type: "object" } },
        compression: { method: "none" },
        inhibition: { maxRatio: 0 },
        repetitionPenalty: 1,
        topK: 0,
      },
      { body: { chat_template_kwargs: { thinking: false } } },
    ).catch(() => {});
    expect(sent()).toMatchObject({
      max_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      presence_penalty: 1,
      frequency_penalty: -1,
      seed: 7,
      stop: ["\n"],
      logit_bias: { 5: -100 },
      response_format: {
        type: "json_schema",
        json_schema: { name: "answer", schema: { type: "object" }, strict: true },
      },
      chat_template_kwargs: { thinking: false },
    });
    expect(sent()).not.toHaveProperty("top_k");
    expect(sent()).not.toHaveProperty("repetition_penalty");
  });

  test("uses the names of the server's program", async () => {
    const extras = { topK: 5, minP: 0.1, repetitionPenalty: 1.2 };
    await eventsOf(extras, { server: "vllm" });
    expect(sent()).toMatchObject({ top_k: 5, min_p: 0.1, repetition_penalty: 1.2 });
    await eventsOf(extras, { server: "llama.cpp" });
    expect(sent()).toMatchObject({ top_k: 5, min_p: 0.1, repeat_penalty: 1.2 });
    const choice = { format: { type: "choice" as const, options: ["A cat.", "A+B", "a|b"] } };
    server.answers = [answerOf("A cat.")];
    await eventsOf(choice, { server: "vllm" });
    expect(sent()).toMatchObject({ structured_outputs: { choice: ["A cat.", "A+B", "a|b"] } });
    await eventsOf(choice, { server: "sglang" });
    expect(sent()).toMatchObject({ regex: "A cat\\.|A\\+B|a\\|b" });
    await eventsOf(choice, { server: "llama.cpp" });
    expect(sent()).toMatchObject({ grammar: 'root ::= "A cat." | "A+B" | "a|b"' });
  });

  test("asks the server for its program only where that matters", async () => {
    server.answers = [jsonOf(200, { data: [{ id: "llava", owned_by: "vllm", max_model_len: 4096 }] }), answerOf("x")];
    const remote = remoteOf();
    await remote.generate({ messages: MESSAGES, topK: 3 }).text();
    await remote.generate({ messages: MESSAGES, topK: 4 }).text();
    expect(server.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /v1/models",
      "POST /v1/chat/completions",
      "POST /v1/chat/completions",
    ]);
    expect(sent()).toMatchObject({ top_k: 4 });
  });

  test("sends pictures as files of the conversation, and no more than the budget allows", async () => {
    const picture = new Blob([tinyPng(40, 30)], { type: "image/png" });
    const content = [
      { type: "image" as const, image: picture },
      { type: "text" as const, text: "What is it?" },
    ];
    await eventsOf({ messages: [{ role: "user", content }] });
    const [image, text] = sent().messages[0].content;
    expect(text).toEqual({ type: "text", text: "What is it?" });
    const [head, data] = image.image_url.url.split(",");
    expect(head).toBe("data:image/png;base64");
    expect(Buffer.from(data, "base64")).toEqual(Buffer.from(tinyPng(40, 30)));
    await expect(eventsOf({ messages: [{ role: "user", content }], pictures: { maxPixels: 1000 } })).rejects.toThrow(
      /40 x 30 pixels, above maxPixels of 1000/,
    );
  });

  test("passes the processor's settings on to vLLM", async () => {
    const mmProcessorKwargs = ({ maxTiles = 4 }) => ({ max_dynamic_patch: maxTiles });
    await eventsOf({ pictures: { maxTiles: 2 } }, { server: "vllm", mmProcessorKwargs });
    expect(sent().mm_processor_kwargs).toEqual({ max_dynamic_patch: 2 });
    await expect(eventsOf({}, { server: "sglang", mmProcessorKwargs })).rejects.toThrow(/SGLang does not have it/);
  });

  test("is adapted to a server that refuses an optional field by its name", async () => {
    const refusing = (field: string) =>
      jsonOf(400, { error: { message: `Unsupported parameter: '${field}' is not supported with this model.` } });
    server.answers = [refusing("stream_options"), refusing("max_tokens"), answerOf("ok")];
    const remote = remoteOf();
    expect(await remote.generate({ messages: MESSAGES, maxTokens: 4 }).text()).toBe("ok");
    expect(sent()).toMatchObject({ max_completion_tokens: 4 });
    expect(sent()).not.toHaveProperty("stream_options");
    await remote.generate({ messages: MESSAGES }).text();
    expect(server.received).toHaveLength(4);
  });
});

describe("what a server cannot do is refused before anything is sent", () => {
  test.for<[string, Partial<GenerateRequest>, RegExp, Partial<RemoteOptions>?]>([
    ["compression", { compression: { method: "vmtc", ratio: 0.5 } }, /compress pictures by "vmtc"/],
    ["inhibition", { inhibition: { maxRatio: 0.6 } }, /inhibit attention/],
    ["documents", { documents: [{ text: "a" }] }, /be given documents; write them into a message/],
    ["attention", { attention: true }, /where an answer looked/],
    ["tiles", { pictures: { maxTiles: 2 } }, /pictures\.maxTiles/],
    ["topK", { topK: 3 }, /topK: OpenAI's interface does not have it/, { server: "openai" }],
    ["regex", { format: { type: "regex", pattern: "a" } }, /form "regex"/, { server: "llama.cpp" }],
    [
      "a form that is ignored",
      { format: { type: "json" } },
      /transformers serve ignores it/,
      { server: "transformers" },
    ],
  ])("%s", async ([, request, message, options]) => {
    await expect(eventsOf(request, options)).rejects.toThrow(message);
    await expect(eventsOf(request, options)).rejects.toMatchObject({ code: "unsupported-model" });
    expect(server.received).toEqual([]);
  });

  test("features, inspection, embeddings and scores", async () => {
    const remote = remoteOf();
    for (const call of [
      remote.inspect({}),
      remote.encodeImage("x"),
      remote.encodeText(["x"]),
      remote.score("x", ["y"]),
    ])
      await expect(call).rejects.toMatchObject({ code: "unsupported-model" });
    expect(server.received).toEqual([]);
  });

  test.for<[string, unknown, RegExp]>([
    ["unknown fields", { maxtokens: 3 }, /request\.maxtokens is not known/],
    ["tokens", { maxTokens: 0 }, /maxTokens must be an integer/],
    ["temperature", { temperature: "1" }, /temperature must be a number/],
    ["stop", { stop: [""] }, /stop must be a list/],
    ["format", { format: { type: "xml" } }, /format\.type must be/],
    ["messages", { messages: [] }, /at least one message/],
    ["roles", { messages: [{ role: "function", content: "" }] }, /messages\[0\]\.role/],
    ["parts", { messages: [{ role: "user", content: [{ type: "audio" }] }] }, /messages\[0\]\.content\[0\]/],
  ])("wrong %s", async ([, request, message]) => {
    await expect(eventsOf(request as Partial<GenerateRequest>)).rejects.toThrow(message);
  });
});
