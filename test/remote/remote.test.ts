/** A model on a server: its options, its answers as events, and its other calls. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { GenerateRequest, GenerationEvent } from "../../src/api.ts";
import { FoveaError } from "../../src/errors.ts";
import { createRemote, type RemoteOptions, ServerError } from "../../src/remote/index.ts";
import { answerOf, DONE, deltaOf, FINISH, jsonOf, streamOf, USAGE, useChatServer } from "../support/chat-server.ts";

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

const sent = () => server.received.at(-1)!.body;

describe("options", () => {
  test.for<[string, object, RegExp]>([
    ["an address without http", { baseURL: "ftp://host" }, /http\(s\) address/],
    ["a password in the address", { baseURL: "https://me:hunter2@host" }, /must not contain a name or a password/],
    ["a key with a line break", { apiKey: `${KEY}\nX: y` }, /apiKey must be a string without spaces/],
    ["a header with a line break", { headers: { "X-Key": `${KEY}\r\n` } }, /headers\.X-Key must be/],
    ["a field of ours", { body: { stream: false } }, /body\.stream is set by Fovea/],
    ["an unknown program", { server: "ollama" }, /server must be/],
    ["an unknown option", { apikey: KEY }, /options\.apikey is not known/],
    ["a timeout", { timeouts: { connectMs: 0 } }, /timeouts\.connectMs/],
  ])("%s", ([, options, message]) => {
    let said = "";
    try {
      remoteOf(options);
    } catch (error) {
      said = String(error);
    }
    expect(said).toMatch(message);
    expect(said).not.toMatch(/secret|hunter2/);
  });

  test("hide the key when the model is printed", async () => {
    const { inspect } = await import("node:util");
    expect(inspect(remoteOf(), { depth: 9, showHidden: true }) + JSON.stringify(remoteOf())).not.toContain(KEY);
  });
});

describe("an answer", () => {
  test("comes as the events of a generation", async () => {
    const events = await eventsOf();
    const done = events.at(-1)!;
    const address = `${server.origin}/v1`;
    expect(events.slice(0, -1)).toEqual([
      { type: "server", address, model: "llava" },
      { type: "text", text: "A " },
      { type: "text", text: "cat." },
    ]);
    expect(done).toMatchObject({
      type: "done",
      reason: "stop",
      stats: {
        promptTokens: 21,
        newTokens: 7,
        reusedTokens: 5,
        server: { address, model: "llava", countsTokens: true },
      },
    });
  });

  test("counts its parts where the server does not count tokens", async () => {
    server.answers = [streamOf([deltaOf("a"), deltaOf("b"), FINISH, DONE])];
    expect((await eventsOf()).at(-1)).toMatchObject({ stats: { newTokens: 2, server: { countsTokens: false } } });
  });

  test("is the same however the bytes are cut", async () => {
    const whole = Buffer.from(
      [deltaOf("Grüße 🐈"), ": a comment\n\n", deltaOf("\u2028"), FINISH, USAGE, DONE].join(""),
    );
    for (const step of [1, 2, 3, 7, 1000]) {
      const parts = Array.from({ length: Math.ceil(whole.length / step) }, (_, i) =>
        whole.subarray(i * step, (i + 1) * step),
      );
      server.answers = [streamOf(parts)];
      expect(await remoteOf().generate({ messages: MESSAGES }).text()).toBe("Grüße 🐈\u2028");
    }
  });

  test("may use CRLF, data of several lines, names of events, comments and no [DONE]", async () => {
    const lines = [
      ": ping\r\n\r\n",
      "event: message\r\nid: 4\r\nretry: 10\r\n",
      'data: {"choices":[{"delta":\r\ndata: {"content":"Hi"}}]}\r\n\r\n',
      'data:{"choices":[{"delta":{},"finish_reason":"length"}]}\r\n\r\n',
    ];
    server.answers = [streamOf(lines)];
    const events = await eventsOf();
    expect(events.slice(1, -1)).toEqual([{ type: "text", text: "Hi" }]);
    expect(events.at(-1)).toMatchObject({ reason: "length" });
  });

  test("tells log-probabilities before their text", async () => {
    const logprobs = {
      content: [{ token: "A", logprob: -0.5, bytes: [65], top_logprobs: [{ token: "B", logprob: -1, bytes: null }] }],
    };
    server.answers = [streamOf([deltaOf("A", { logprobs }), FINISH, DONE])];
    const events = await eventsOf({ topLogprobs: 1 });
    expect(sent()).toMatchObject({ logprobs: true, top_logprobs: 1 });
    expect(events[1]).toEqual({
      type: "logprobs",
      tokens: [
        {
          ...{ id: -1, text: "A", bytes: Uint8Array.of(65), logprob: -0.5 },
          top: [{ id: -1, text: "B", bytes: Uint8Array.of(66), logprob: -1 }],
        },
      ],
    });
  });

  test("without what was asked for is an error that keeps the text", async () => {
    server.answers = [answerOf("not JSON")];
    const error = await eventsOf({ format: { type: "json" } }).catch((reason) => reason);
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ code: "server-failed", partialText: "not JSON" });
    expect(error.message).toMatch(/did not answer in the form "json"/);
    await expect(eventsOf({ topLogprobs: 2 })).rejects.toThrow(/no log-probabilities/);
  });

  test.for(["text", "picture"])("of transformers serve, recorded: %s", async (name) => {
    const file = new URL(`recorded/transformers-${name}`, import.meta.url);
    const { answer, tokens } = JSON.parse(readFileSync(`${file.pathname}.json`, "utf8"));
    server.answers = [streamOf([readFileSync(`${file.pathname}.txt`)])];
    const events = await eventsOf();
    expect(events.map((event) => (event.type === "text" ? event.text : "")).join("")).toBe(answer);
    expect(events.at(-1)).toMatchObject({
      type: "done",
      reason: "length",
      stats: { ...tokens, server: { countsTokens: true } },
    });
  });
});

describe("connect", () => {
  test("tells the length of a conversation, and a name that the server does not have", async () => {
    server.answers = [jsonOf(200, { data: [{ id: "llava", owned_by: "vllm", max_model_len: 4096 }] })];
    expect(await remoteOf().connect()).toMatchObject({ contextLength: 4096, warnings: [], canGenerate: true });
    const info = await remoteOf({ model: "other" }).connect();
    expect(info.warnings).toEqual(['the server does not list the model "other"; it lists "llava"']);
    server.answers = [jsonOf(404, {})];
    expect((await remoteOf().connect()).warnings).toEqual([]);
    server.answers = [jsonOf(200, '{"data":[{"id":7,"max_model_len":-4},null,3]}')];
    expect((await remoteOf().connect()).contextLength).toBe(0);
    server.answers = [jsonOf(401, {})];
    await expect(remoteOf().connect()).rejects.toMatchObject({ status: 401 });
  });
});

describe("countTokens", () => {
  test("asks vLLM, and is refused elsewhere and for pictures", async () => {
    server.answers = [jsonOf(200, { count: 12, max_model_len: 100 })];
    const remote = remoteOf({ server: "vllm" });
    expect(await remote.countTokens(MESSAGES)).toEqual({
      ...{ promptTokens: 12, imageTokens: 0, pictures: [], isExact: true, contextLength: 100 },
    });
    expect(server.received[0]!.path).toBe("/tokenize");
    await expect(remoteOf({ server: "openai" }).countTokens(MESSAGES)).rejects.toThrow(/only vLLM does/);
    const content = [{ type: "image" as const, image: "data:," }];
    await expect(remote.countTokens([{ role: "user", content }])).rejects.toThrow(/tokens of pictures/);
  });
});

describe("dispose", () => {
  test("ends what runs, and refuses what comes later", async () => {
    server.answers = [streamOf([deltaOf("A")], false)];
    const remote = remoteOf();
    const running = remote.generate({ messages: MESSAGES });
    for await (const event of running) if (event.type === "text") break;
    const other = remote.generate({ messages: MESSAGES });
    setTimeout(() => remote.dispose(), 50);
    await expect(other.text()).rejects.toMatchObject({ code: "disposed" });
    await expect(remote.generate({ messages: MESSAGES }).text()).rejects.toThrow(FoveaError);
    await expect(remote.connect()).rejects.toMatchObject({ code: "disposed" });
  });
});
