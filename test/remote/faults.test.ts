/** Servers that refuse, fail or redirect, attempts after that, and aborts: every error has a next step, and the key stays here. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { GenerationEvent } from "../../src/api.ts";
import { readRetryAfter } from "../../src/remote/http.ts";
import { createRemote, type RemoteOptions } from "../../src/remote/index.ts";
import {
  type Answering,
  answerOf,
  ChatServer,
  deltaOf,
  jsonOf,
  streamOf,
  useChatServer,
} from "../support/chat-server.ts";
import { failing, KEY, MESSAGES, remoteTo } from "../support/failing-remote.ts";

const server = useChatServer();

describe("a refusal says what to do", () => {
  test.for<[string, Answering, object, RegExp]>([
    [
      "401",
      jsonOf(401, { error: { message: `Incorrect API key provided: ${KEY}.` } }),
      { status: 401 },
      /provided: \*\*\*\."; check the key/,
    ],
    ["403", jsonOf(403, { error: "forbidden" }), { status: 403 }, /HTTP 403: "forbidden"; the key may not/],
    [
      "404 model",
      jsonOf(404, { error: { message: "The model `llava` does not exist." } }),
      { status: 404 },
      /does not exist\."; check baseURL/,
    ],
    ["404 page", jsonOf(404, "<html><title>Not here</title></html>"), { status: 404 }, /HTTP 404: "Not here"/],
    ["413", jsonOf(413, ""), { status: 413 }, /the request has 0\.0 MB; lower maxPixels/],
    ["422", jsonOf(422, { detail: [{ msg: "Extra inputs are not permitted" }] }), { status: 422 }, /"Extra inputs/],
    ["429", jsonOf(429, {}, { "Retry-After": "7" }), { status: 429, retryAfterMs: 7000 }, /ask again in 7 s/],
    [
      "500",
      jsonOf(500, "Internal Server Error"),
      { status: 500 },
      /HTTP 500: "Internal Server Error"; ask again later/,
    ],
    [
      "a full context",
      jsonOf(400, { error: { message: "too much", code: "context_length_exceeded" } }),
      { code: "context-full" },
      /shorten the conversation/,
    ],
  ])("%s", async ([, answer, fields, message]) => {
    const { error } = await failing(server, [answer]);
    expect(error).toMatchObject({ code: "server-failed", ...fields });
    expect(error.message).toMatch(message);
  });

  test("without a key, 401 asks for one", async () => {
    server.answers = [jsonOf(401, {})];
    const remote = createRemote({ baseURL: server.origin, model: "x" });
    await expect(remote.generate({ messages: MESSAGES }).text()).rejects.toThrow(/pass the server's key as apiKey/);
  });

  test("its words are bounded and printable", async () => {
    const { error } = await failing(server, [
      jsonOf(400, { error: { message: `\u001b[31m\u202e${"x".repeat(99_999)}` } }),
    ]);
    expect(error.message).not.toMatch(/\p{Cc}|\p{Cf}/u);
    expect(error.message.length).toBeLessThan(600);
  });

  test("a deep error has no message", async () => {
    const deep = `${'{"error":'.repeat(50_000)}1${"}".repeat(50_000)}`;
    await failing(server, [jsonOf(400, deep)]);
  });

  test("a redirect is not followed, neither by the key nor by the pictures", async () => {
    const other = await ChatServer.start();
    const { error } = await failing(server, [
      (response) => response.writeHead(307, { Location: `${other.origin}/v1/chat/completions?token=x` }).end(),
    ]);
    expect(error.message).toMatch(`redirects to ${other.origin}/v1/chat/completions; nothing was sent there`);
    expect(other.received).toEqual([]);
    other.close();
  });

  test("a server that is not there", async () => {
    const gone = await ChatServer.start();
    gone.close();
    const { error } = await failing(server, [], { baseURL: gone.origin });
    expect(error.message).toMatch(/cannot be reached \(.*ECONNREFUSED.*\); check the address/);
    expect(error.status).toBeUndefined();
  });
});

describe("attempts", () => {
  afterEach(() => vi.restoreAllMocks());

  test("follow Retry-After in seconds", async () => {
    server.answers = [jsonOf(429, {}, { "Retry-After": "0.2" }), answerOf("ok")];
    const start = performance.now();
    expect(await remoteTo(server, { attempts: 2 }).generate({ messages: MESSAGES }).text()).toBe("ok");
    expect(performance.now() - start).toBeGreaterThan(190);
    expect(server.received).toHaveLength(2);
  });

  test("follow a connection that broke, and end", async () => {
    server.answers = [(response) => void response.destroy(), jsonOf(503, {}), answerOf("ok")];
    expect(await remoteTo(server, { attempts: 3, maxPauseMs: 2000 }).generate({ messages: MESSAGES }).text()).toBe(
      "ok",
    );
    expect(server.received).toHaveLength(3);
    await failing(server, [jsonOf(503, {})], { attempts: 2 });
    expect(server.received).toHaveLength(5);
  });

  test("are not made where the server asks for a long pause, nor for a wrong request", async () => {
    const { error } = await failing(server, [jsonOf(429, {}, { "Retry-After": "3600" })], { attempts: 5 });
    expect(error.message).toMatch(/ask again in 3600 s/);
    await failing(server, [jsonOf(400, {})], { attempts: 5 });
    expect(server.received).toHaveLength(2);
  });

  test("are not made once an answer has begun", async () => {
    const { text } = await failing(server, [streamOf([deltaOf("A cat ")]), answerOf("ok")], { attempts: 5 });
    expect(text).toBe("A cat ");
    expect(server.received).toHaveLength(1);
  });

  test("read Retry-After in every form, and nothing else", () => {
    const now = Date.parse("Mon, 30 Nov 2026 10:00:00 GMT");
    for (const [text, expected] of [
      ["5", 5000],
      ["1.5", 1500],
      ["Mon, 30 Nov 2026 10:00:09 GMT", 9000],
      ["Mon, 30 Nov 2026 09:00:00 GMT", 0],
      ["-5", undefined],
      ["1e9", undefined],
      ["2026", 2_026_000],
      ["soon", undefined],
      ["99999999999", undefined],
      [null, undefined],
    ] as const)
      expect(readRetryAfter(text, now), String(text)).toBe(expected);
  });
});

describe("an abort ends within a second, and tells the server", () => {
  test.for<[string, Answering[], Partial<RemoteOptions>]>([
    ["before the headers", [() => {}], {}],
    ["in the middle", [streamOf([deltaOf("A")], false)], {}],
    ["during a pause", [jsonOf(429, {}, { "Retry-After": "20" })], { attempts: 3 }],
  ])("%s", async ([name, answers, options]) => {
    server.answers = answers;
    server.left = 0;
    const stop = new AbortController();
    const running = remoteTo(server, options).generate({ messages: MESSAGES, signal: stop.signal });
    await vi.waitFor(() => expect(server.received).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const start = performance.now();
    stop.abort();
    const events: GenerationEvent[] = [];
    for await (const event of running) events.push(event);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(events.at(-1)).toMatchObject({ type: "done", reason: "abort" });
    await expect(running.text()).rejects.toMatchObject({ code: "aborted" });
    if (name !== "during a pause") await vi.waitFor(() => expect(server.left).toBe(1));
  });

  test("leaving a loop ends the request", async () => {
    server.answers = [streamOf([deltaOf("A")], false)];
    server.left = 0;
    for await (const event of remoteTo(server).generate({ messages: MESSAGES })) if (event.type === "text") break;
    await vi.waitFor(() => expect(server.left).toBe(1));
  });
});

test("an error whose body never comes is told all the same", { timeout: 20_000 }, async () => {
  const { error } = await failing(server, [
    (response) => {
      response.writeHead(400, { "Content-Type": "application/json" });
      response.flushHeaders();
    },
  ]);
  expect(error.message).toMatch(/answered HTTP 400; change the request/);
});

test("a secret that begins another one hides no more than itself", async () => {
  const headers = { "X-Team": "team-hidden", "X-Token": "team-hidden-apple" };
  const { error } = await failing(server, [jsonOf(400, { error: `no ${headers["X-Token"]}` })], { headers });
  expect(error.message).toContain('"no ***"');
  expect(error.message).not.toMatch(/hidden|apple/);
});
