/** Models and addresses that hang or stall in one tab: other tabs answer meanwhile, and an abort ends the work at once. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, type BrowserContext, chromium, type JSHandle, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { RemoteFovea } from "../../src/worker/index.ts";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { libraryFolder } from "../../tools/library.mjs";
import { serve } from "../../tools/serve.mjs";
import { chatFiles } from "../support/chat-files.ts";
import { type WrittenFolder, writeFolder } from "../support/model-folder.ts";
import { startModelServer } from "../support/model-server.ts";
import { languageFiles } from "../support/random-models.ts";

/** What an abort may take, and what a busy machine adds. */
const ABORT_MS = 1000 + 500;
/** What a hostile file may take beyond an honest one. */
const HOSTILE_MS = 5000;

const LOOPS = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}";
const MESSAGES = "{% for m in messages %}{{ m.content }}{% endfor %}";
const SHARED =
  "{% set ns = namespace(a=['x']) %}{% for i in range(26) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a | tojson }}";

interface Asked {
  outcome: string;
  milliseconds: number;
}

declare global {
  interface Window {
    tabModel: RemoteFovea;
    workerLibrary: typeof import("../../src/worker/index.ts");
  }
}

let server: Awaited<ReturnType<typeof serve>>;
let browser: Browser;
let context: BrowserContext;
/** Accepts connections and never answers. */
let stalled: Server;
const folders: WrittenFolder[] = [];
const models: Awaited<ReturnType<typeof startModelServer>>[] = [];

/** Serves a model; returns its address. */
async function publish(files: Record<string, Uint8Array<ArrayBuffer>>, template?: string): Promise<string> {
  const more = template === undefined ? {} : { "chat_template.jinja": new TextEncoder().encode(template) };
  const folder = writeFolder({ ...files, ...more });
  folders.push(folder);
  models.push(await startModelServer(folder.folder));
  return models.at(-1)!.origin;
}

beforeAll(async () => {
  server = await serve({
    "/lib/": { folder: libraryFolder },
    "/": { text: '<!doctype html><link rel="icon" href="data:,">', type: "text/html; charset=utf-8" },
  });
  stalled = createServer(() => {});
  await new Promise<void>((resolve) => stalled.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterAll(async () => {
  await browser?.close();
  stalled?.closeAllConnections();
  for (const one of [server, stalled, ...models]) one?.close();
  for (const folder of folders) folder.remove();
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

async function open(): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(240_000);
  await page.goto(`${server.origin}/`);
  const library: JSHandle = await page.evaluateHandle(`import("${server.origin}/lib/worker.js")`);
  await page.evaluate((library) => {
    window.workerLibrary = library as typeof window.workerLibrary;
  }, library);
  return page;
}

function load(page: Page, model: string): Promise<Asked> {
  return page.evaluate(async (model) => {
    const start = performance.now();
    const options = { cache: "none", maxContext: 256 } as const;
    const outcome = await window.workerLibrary.createFovea(model, options).then(
      (fovea) => {
        window.tabModel = fovea;
        return "loaded";
      },
      (error) => `${error.code}: ${error.message}`,
    );
    return { outcome, milliseconds: performance.now() - start };
  }, model);
}

/** Asks once; counts from the abort, if there is one. */
function ask(page: Page, text: string, more: { image?: string; turns?: number; abortAfterMs?: number } = {}) {
  return page.evaluate(
    async ({ text, image, turns = 1, abortAfterMs }): Promise<Asked> => {
      let start = performance.now();
      const controller = new AbortController();
      if (abortAfterMs !== undefined)
        setTimeout(() => {
          start = performance.now();
          controller.abort();
        }, abortAfterMs);
      const messages = Array.from({ length: turns }, (_, i) => ({
        role: i % 2 === 0 ? ("user" as const) : ("assistant" as const),
        content: [
          ...(image === undefined || i > 0 ? [] : [{ type: "image" as const, image }]),
          { type: "text" as const, text },
        ],
      }));
      const answer = window.tabModel.generate({ messages, maxTokens: 3, signal: controller.signal });
      const outcome = await answer.text().then(
        () => "answered",
        (error) => `${error.code}: ${error.message}`,
      );
      return { outcome, milliseconds: performance.now() - start };
    },
    { text, ...more },
  );
}

test("a template that hangs while its model loads", async () => {
  const [good, endless, doubling] = [
    await publish(languageFiles()),
    await publish(languageFiles(), `${MESSAGES}${LOOPS}`),
    await publish(languageFiles(), `${MESSAGES}${SHARED}`),
  ];
  const [victim, neighbour] = [await open(), await open()];
  expect((await load(neighbour, good)).outcome).toBe("loaded");
  for (const hostile of [endless, doubling]) {
    const loading = load(victim, hostile);
    expect((await ask(neighbour, "Once")).outcome).toBe("answered");
    const { outcome, milliseconds } = await loading;
    expect(outcome).toMatch(/^unsupported-model: chat_template.jinja: the template/);
    expect(milliseconds).toBeLessThan(2 * HOSTILE_MS);
    // The tab is none the worse for it.
    expect((await load(victim, good)).outcome).toBe("loaded");
  }
});

test("a template that hangs at the third question, and an abort of it", async () => {
  const template = `${MESSAGES}{% if messages | length > 4 %}${LOOPS}{% endif %}`;
  const model = await publish(languageFiles(), template);
  const [victim, neighbour] = [await open(), await open()];
  for (const page of [victim, neighbour]) expect((await load(page, model)).outcome).toBe("loaded");
  const hanging = ask(victim, "Once", { turns: 5 });
  expect((await ask(neighbour, "Once")).outcome).toBe("answered");
  const { outcome, milliseconds } = await hanging;
  expect(outcome).toMatch(/^unsupported-model: .* the template fails \(it takes more than/);
  expect(milliseconds).toBeLessThan(HOSTILE_MS);
  const aborted = await ask(victim, "Once", { turns: 5, abortAfterMs: 30 });
  expect(aborted.outcome).toMatch(/^(aborted|unsupported-model):/);
  expect(aborted.milliseconds).toBeLessThan(ABORT_MS);
  expect((await ask(victim, "Once")).outcome).toBe("answered");
});

test("a tokenizer whose pattern hangs, and an abort of it", async () => {
  const files = languageFiles();
  const tokenizer = JSON.parse(new TextDecoder().decode(files["tokenizer.json"]));
  const step = { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated", invert: false };
  const changed = { ...tokenizer, pre_tokenizer: step };
  const bytes = new TextEncoder().encode(JSON.stringify(changed));
  const [good, hostile] = [await publish(files), await publish({ ...files, "tokenizer.json": bytes })];
  const [victim, neighbour] = [await open(), await open()];
  expect((await load(victim, hostile)).outcome).toBe("loaded");
  expect((await load(neighbour, good)).outcome).toBe("loaded");
  const text = `${"a".repeat(60)}!`;
  const hanging = ask(victim, text);
  expect((await ask(neighbour, "Once")).outcome).toBe("answered");
  expect((await hanging).milliseconds).toBeLessThan(HOSTILE_MS);
  const aborted = await ask(victim, `${"a".repeat(200_000)}!`, { abortAfterMs: 30 });
  expect(aborted.outcome).not.toBe("answered");
  expect(aborted.milliseconds).toBeLessThan(ABORT_MS);
});

test("a picture whose server never answers, and an abort of it", async () => {
  const model = await publish((await chatFiles()) as Record<string, Uint8Array<ArrayBuffer>>);
  const [victim, neighbour] = [await open(), await open()];
  for (const page of [victim, neighbour]) expect((await load(page, model)).outcome).toBe("loaded");
  const image = `http://127.0.0.1:${(stalled.address() as AddressInfo).port}/cat.jpg`;
  const waiting = ask(victim, "What?", { image, abortAfterMs: 8000 });
  expect((await ask(neighbour, "What?")).outcome).toBe("answered");
  expect((await ask(neighbour, "What?")).milliseconds).toBeLessThan(8000);
  const { outcome, milliseconds } = await waiting;
  expect(outcome).toMatch(/^aborted:/);
  expect(milliseconds).toBeLessThan(ABORT_MS);
  expect((await ask(victim, "What?")).outcome).toBe("answered");
});
