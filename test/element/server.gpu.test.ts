/** The element with a model on a server: requests, errors, and where the key is not. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deltaEvent, FINISHED } from "../support/server-events.ts";
import { clearStage, scriptEngines, settled, showChat, textOf } from "./stage.ts";

const KEY = "sk-secret-0123456789";
const SERVER = "https://models.example/v1";

let asked: Request[];
let answers: (() => Response)[];
beforeEach(() => {
  scriptEngines();
  asked = [];
  answers = [list, () => stream("A **cat**.")];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    asked.push(new Request(input, init));
    return (answers.length > 1 ? answers.shift()! : answers[0]!)();
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await clearStage();
});

const list = () => Response.json({ data: [{ id: "big", max_model_len: 4096 }] });
const stream = (text: string) =>
  new Response(deltaEvent(text) + FINISHED, { headers: { "Content-Type": "text/event-stream" } });
const answered = (chat: HTMLElement) => new Promise((resolve) => chat.addEventListener("fovea-done", resolve));

test("asks the server with the key, shows the answer, and says where questions go", async () => {
  const chat = await showChat({ server: SERVER, model: "big" });
  chat.apiKey = KEY;
  await chat.updateComplete;
  expect(textOf(chat, "server")).toBe("Questions and pictures are sent to models.example.");
  expect(asked).toEqual([]);
  expect(await chat.ask("What is it?")).toBe("A **cat**.");
  await settled(chat);
  // The parser of Markdown is loaded with the first answer that is more than prose.
  await vi.waitFor(() => expect(textOf(chat, "answer")).toBe("A cat."), 10_000);
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `GET ${SERVER}/models`,
    `POST ${SERVER}/chat/completions`,
  ]);
  for (const { headers, credentials, referrerPolicy } of asked)
    expect([headers.get("Authorization"), credentials, referrerPolicy]).toEqual([
      `Bearer ${KEY}`,
      "omit",
      "no-referrer",
    ]);
  expect(document.documentElement.outerHTML + chat.shadowRoot!.innerHTML).not.toContain(KEY);
  expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain(KEY);
  expect(chat.turns[0]!.answers[0]!.stats!.server).toEqual({ address: SERVER, model: "big", countsTokens: false });
});

test("asks again after an error, with a new key", async () => {
  answers = [() => Response.json({ error: { message: "no" } }, { status: 401 })];
  const chat = await showChat({ server: SERVER, model: "big" });
  chat.apiKey = KEY;
  const errors: unknown[] = [];
  chat.addEventListener("fovea-error", ({ detail }) => errors.push(detail.code));
  await expect(chat.ask("What is it?")).rejects.toMatchObject({ code: "server-failed", status: 401 });
  await settled(chat);
  expect(errors).toEqual(["server-failed"]);
  expect(textOf(chat, "error")).toMatch(/HTTP 401: "no"; check the key/);
  answers = [list, () => stream("Yes.")];
  chat.apiKey = "sk-another-key";
  expect(await chat.ask("And now?")).toBe("Yes.");
  expect(asked.at(-1)!.headers.get("Authorization")).toBe("Bearer sk-another-key");
});

test("elements with keys of their own do not send each other's", async () => {
  const one = await showChat({ server: SERVER, model: "big" });
  const other = await showChat({ server: SERVER, model: "big" });
  answers = [list, () => stream("One."), list, () => stream("Two.")];
  one.apiKey = KEY;
  other.apiKey = "sk-another-key";
  const asking = other.ask("What is it?");
  // Draws the first while the second loads what asks servers.
  one.requestUpdate();
  expect(await asking).toBe("One.");
  expect(await one.ask("What is it?")).toBe("Two.");
  expect(asked.map(({ headers }) => headers.get("Authorization"))).toEqual(
    ["sk-another-key", "sk-another-key", KEY, KEY].map((key) => `Bearer ${key}`),
  );
  answers = [list, () => stream("Three.")];
  one.apiKey = null;
  expect(await one.ask("And without a key?")).toBe("Three.");
  expect(asked.at(-1)!.headers.get("Authorization")).toBe(null);
});

test("keeps the text of an answer that breaks off", async () => {
  answers = [list, () => new Response(deltaEvent("A c"), { headers: { "Content-Type": "text/event-stream" } })];
  const chat = await showChat({ server: SERVER, model: "big" });
  await expect(chat.ask("What is it?")).rejects.toMatchObject({ partialText: "A c" });
  await settled(chat);
  expect(textOf(chat, "answer")).toBe("A c");
  expect(textOf(chat, "error")).toMatch(/broke off before its end/);
});

test("stops at once, and refuses what a server cannot do", async () => {
  answers = [list, () => new Response(new ReadableStream(), { headers: { "Content-Type": "text/event-stream" } })];
  const chat = await showChat({ server: SERVER, model: "big", record: "" });
  const running = chat.ask("What is it?");
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  const done = answered(chat);
  chat.stop();
  await expect(running).rejects.toMatchObject({ code: "aborted" });
  await done;
  chat.inhibit = 0.5;
  await expect(chat.ask("What is it?")).rejects.toThrow(/cannot inhibit attention/);
});
