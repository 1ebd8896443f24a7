/** The examples of formats, tools and servers, as somebody who copies them has them: the built library, a real browser. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { serve } from "../../tools/serve.mjs";
import { answerOf, ChatServer } from "../support/chat-server.ts";
import { projectRoot } from "../support/command.ts";
import { installedBeside } from "../support/installed-example.ts";
import { type WrittenFolder, writeFolder } from "../support/model-folder.ts";
import { sharedBytes } from "../support/shared.ts";

const MODEL = "golden/families/text-lfm2/model";
const NAMES = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];

let written: WrittenFolder;
let server: { origin: string; close: () => void };
let browser: Browser;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  const files: Record<string, Uint8Array> = {};
  for (const name of NAMES) files[name] = await sharedBytes(`${MODEL}/${name}`);
  files["chat_template.jinja"] = readFileSync(join(projectRoot, "test/text/jinja/templates/hermes-tools.jinja"));
  written = writeFolder(files as Record<string, Uint8Array<ArrayBuffer>>);
  const examples = ["tools", "receipt", "remote"].map((name) => ({
    [`/${name}/`]: { folder: join(projectRoot, "examples", name) },
    ...installedBeside(name),
  }));
  server = await serve({
    ...Object.assign({}, ...examples),
    "/random/": { folder: written.folder },
    "/fovea-demo/": { folder: join(projectRoot, "public/fovea-demo") },
  });
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
  page = await browser.newPage();
  page.setDefaultTimeout(240_000);
  page.on("pageerror", ({ message }) => complaints.push(message));
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  written?.remove();
});

const status = (hasText: string | RegExp) => page.getByRole("status").filter({ hasText }).waitFor();

test("examples/tools runs the tool that a model with random weights must call, and asks on with its result", async () => {
  await page.goto(`${server.origin}/tools/?model=${encodeURIComponent(`${server.origin}/random/`)}`);
  await status("Ready.");
  await page.getByLabel("It must call a tool").check();
  await page.getByRole("button", { name: "Ask" }).click();
  await status("Done.");
  expect(await page.locator("#calls li").first().textContent()).toMatch(
    /^population \{"city": "(Rome|Bonn|Lima)"\} = \{"city":"\w+","people":\d+\}$/,
  );
  expect(complaints).toEqual([]);
});

test("examples/remote asks the server where there is no WebGPU, and says so before", async () => {
  const chat = await ChatServer.start();
  onTestFinished(() => chat.close());
  chat.answers = [answerOf("A ", "harbour.")];
  const without = await chromium.launch({
    executablePath: findChromium(),
    args: ["--no-sandbox", "--disable-gpu"],
  });
  onTestFinished(() => without.close());
  const away = await without.newPage();
  away.setDefaultTimeout(240_000);
  const query = new URLSearchParams({
    model: `${server.origin}/fovea-demo/`,
    server: `${chat.origin}/v1`,
    remote: "big",
  });
  await away.goto(`${server.origin}/remote/?${query}`);
  await away
    .getByRole("status")
    .filter({ hasText: `go to ${chat.origin}` })
    .waitFor();
  expect(chat.received).toEqual([]);
  await away.getByLabel("Picture").setInputFiles(join(projectRoot, "public/samples/harbour.webp"));
  await away.getByRole("button", { name: "Ask" }).click();
  await away
    .getByRole("status")
    .filter({ hasText: /^stop: \d+ tokens/ })
    .waitFor();
  expect(await away.locator("#answer").textContent()).toBe("A harbour.");
  const { body, path } = chat.received.at(-1)!;
  expect(path).toBe("/v1/chat/completions");
  expect(body.model).toBe("big");
  expect(body.messages[0].content[0].image_url.url).toMatch(/^data:image\/(jpeg|png);base64,/);
});

// Drawn scenes, as the demo model knows them.
test.each([
  ["eval/set/0000.png", { animals: ["whale", "frog"], count: 2 }],
  ["eval/set/0012.png", { animals: ["dog"], count: 1 }],
  ["public/samples/picnic.webp", { animals: ["dog", "butterfly"], count: 2 }],
])("examples/receipt fills a form with what %s shows", async (picture, form) => {
  await page.goto(`${server.origin}/receipt/?form=animals&model=${encodeURIComponent(`${server.origin}/fovea-demo/`)}`);
  await status("Choose a photograph.");
  await page.getByLabel("Photograph").setInputFiles(join(projectRoot, picture));
  await status("Done.");
  expect(JSON.parse((await page.locator("#total").textContent())!)).toEqual(form);
  expect(complaints).toEqual([]);
});

test("examples/receipt keeps the form of a receipt also with a model that reads no text", async () => {
  await page.goto(`${server.origin}/receipt/?model=${encodeURIComponent(`${server.origin}/fovea-demo/`)}`);
  await status("Choose a photograph.");
  await page.getByLabel("Photograph").setInputFiles(join(projectRoot, "public/samples/harbour.webp"));
  // Its values mean nothing. It may write until the limit.
  await status(/^(Done\.|The list is too long\.)$/);
  if (await page.getByText("Done.").isVisible())
    expect(await page.locator("#total").textContent()).toMatch(/^Total: \d+(\.\d+)?/);
  expect(complaints).toEqual([]);
});
