/** Streams that break, stop, lie or attack: each is an error that keeps the text so far, and nothing waits for ever. */
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { describe, expect, test } from "vitest";
import { MAX_EVENT_CHARACTERS } from "../../src/remote/sse.ts";
import { type Answering, DONE, deltaOf, FINISH, jsonOf, streamOf, useChatServer } from "../support/chat-server.ts";
import { failing, KEY, MESSAGES, remoteTo } from "../support/failing-remote.ts";

const server = useChatServer();

describe("a broken stream keeps the text so far", () => {
  const broken: [string, Answering, RegExp][] = [
    ["the end in the middle", streamOf([deltaOf("A cat"), 'data: {"choi']), /broke off before its end.*5 characters/],
    ["[DONE] without an end", streamOf([deltaOf("A cat"), DONE]), /broke off/],
    [
      "truncated UTF-8",
      streamOf([deltaOf("A cat"), Buffer.from('data: {"choices":[{"delta":{"content":"ü').subarray(0, -1)]),
      /broke off/,
    ],
    [
      "a reset",
      async (response, request) => {
        await streamOf([deltaOf("A cat")], false)(response, request);
        response.destroy();
      },
      /cannot be reached|broke off/,
    ],
    [
      "an error in the middle",
      streamOf([deltaOf("A cat"), `data: {"error":{"message":"CUDA out of memory ${KEY}"}}\n\n`]),
      /"CUDA out of memory \*\*\*"/,
    ],
    ["an error as text", streamOf([deltaOf("A cat"), 'data: {"error": "worker "died""}\n\n']), /not a JSON object/],
    ["garbage", streamOf([deltaOf("A cat"), "data: <html>\n\n"]), /not a JSON object/],
    ["a filter", streamOf([deltaOf("A cat", { finish_reason: "content_filter" }), DONE]), /withheld the rest/],
    ["a server that gave up", streamOf([deltaOf("A cat", { finish_reason: "abort" }), DONE]), /gave up/],
  ];
  test.for(broken)("%s", async ([, answer, message]) => {
    const { error, text } = await failing(server, [answer]);
    expect(text).toBe("A cat");
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/5 characters of the answer came before/);
  });
});

describe("no answer at all", () => {
  test.for<[string, Answering, RegExp]>([
    [
      "a page",
      (response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<h1>Welcome</h1>"),
      /text\/html, not text\/event-stream \("Welcome"\); check baseURL/,
    ],
    ["JSON", jsonOf(200, { choices: [] }), /application\/json, not text\/event-stream/],
    ["no type", (response) => response.writeHead(200).end("x"), /no content type/],
    ["an empty stream", streamOf([]), /broke off/],
    ["numbers", streamOf(["data: 5\n\n"]), /not a JSON object/],
  ])("%s", async ([, answer, message]) => {
    const { error } = await failing(server, [answer]);
    expect(error.message).toMatch(message);
  });

  test("events of a wrong shape are passed over", async () => {
    const odd = [
      [],
      {},
      { choices: 5 },
      { choices: [null] },
      { choices: [{ delta: { content: 7 } }] },
      { choices: [], usage: { prompt_tokens: -1 } },
    ];
    server.answers = [
      streamOf([
        ...odd.map((value) => `data: ${JSON.stringify(value)}\n\n`),
        deltaOf("A"),
        deltaOf("no", { index: 1 }),
        FINISH,
      ]),
    ];
    expect(await remoteTo(server).generate({ messages: MESSAGES }).text()).toBe("A");
  });
});

describe("a hostile stream is cut off", () => {
  const line = "x".repeat(1 << 16);
  test.for<[string, () => string, RegExp]>([
    ["a line without an end", () => line, /more than 1048576 characters/],
    ["an event without an end", () => `data: ${line}\n`, /more than 1048576 characters/],
    ["comments without an end", () => `: ${line}\n\n`, /more than 67108864 bytes/],
  ])("%s", async ([, part, message]) => {
    let sent = 0;
    const { error } = await failing(server, [
      async (response) => {
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        const text = part();
        const gone = once(response, "close");
        while (!response.destroyed && sent < 2 ** 27) {
          sent += text.length;
          if (!response.write(text)) await Promise.race([once(response, "drain"), gone]);
        }
      },
    ]);
    expect(error.message).toMatch(message);
    expect(sent).toBeLessThan(2 ** 27);
  });

  test("deep values", async () => {
    const { error } = await failing(server, [streamOf([`data: ${'{"a":'.repeat(5000)}1${"}".repeat(5000)}\n\n`])]);
    expect(error.message).toMatch(/nested too deep/);
    expect(MAX_EVENT_CHARACTERS).toBeLessThan(2 ** 21);
  });
});

describe("silence ends", () => {
  const quick = { connectMs: 200, firstByteMs: 200, betweenBytesMs: 200, betweenEventsMs: 400 };
  const dripping =
    (text: string): Answering =>
    async (response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write(deltaOf("A"));
      for (let i = 0; i < 100 && !response.destroyed; i++) {
        response.write(text);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };

  test.for<[string, Answering, RegExp]>([
    ["before the headers", () => {}, /no answer came for 0\.2 s/],
    ["before the first byte", streamOf([], false), /no text came for 0\.2 s/],
    ["in the middle", streamOf([deltaOf("A")], false), /the answer stopped for 0\.2 s/],
    ["a drip of comments", dripping(": ping\n\n"), /no text came for 0\.4 s, though the connection is open/],
    ["a drip of one event", dripping("d"), /no text came for 0\.4 s/],
  ])("%s", async ([, answer, message]) => {
    const start = performance.now();
    const { error } = await failing(server, [answer], { timeouts: quick });
    expect(error.message).toMatch(message);
    expect(performance.now() - start).toBeLessThan(4000);
  });

  test("a connection that nobody answers", async () => {
    const silent: Server = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const { error } = await failing(server, [], { baseURL: `http://127.0.0.1:${port}`, timeouts: quick, attempts: 3 });
    expect(error.message).toMatch(/no answer came for 0\.2 s/);
    silent.close();
  });

  test("an answer that is complete does not wait for the connection's end", async () => {
    server.answers = [streamOf([deltaOf("A"), FINISH], false)];
    expect(await remoteTo(server).generate({ messages: MESSAGES }).text()).toBe("A");
  });

  test("a slow drip of text is no failure", async () => {
    const bytes = [...Buffer.from(deltaOf("slow") + FINISH + DONE)].map((byte) => Uint8Array.of(byte));
    server.answers = [
      async (response) => {
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        for (const byte of bytes) {
          response.write(byte);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        response.end();
      },
    ];
    expect(
      await remoteTo(server, { timeouts: { ...quick, betweenEventsMs: 5000 } })
        .generate({ messages: MESSAGES })
        .text(),
    ).toBe("slow");
  });
});
