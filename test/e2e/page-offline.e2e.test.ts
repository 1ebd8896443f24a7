/** The demo page as an app that is kept: starts and answers with every server gone, and takes an update when it is told to. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page as PageElement } from "../../src/app/parts/page.ts";
import { siteFolder } from "../../tools/build.mjs";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { serve } from "../../tools/serve.mjs";
import { writeChatFolder } from "../support/model-folder.ts";
import { startModelServer } from "../support/model-server.ts";
import { answers, ready, set, stats } from "../support/site-page.ts";

const site = mkdtempSync(join(tmpdir(), "fovea-site-"));
let server: Awaited<ReturnType<typeof serve>>;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  cpSync(siteFolder, site, { recursive: true });
  server = await serve({ "/": { folder: site } });
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
  context = await browser.newContext();
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  rmSync(site, { recursive: true, force: true });
});

async function open(query: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(240_000);
  await page.goto(`${server.origin}/${query}`);
  return page;
}

/** The answer to an example, in a new conversation. */
async function ask(page: Page): Promise<string> {
  await ready(page);
  await set(page, { maxTokens: 4 });
  await page.evaluate(() => document.querySelector<PageElement>("app-page")!.app.chat.clear());
  await page.getByRole("button", { name: "What do you see?" }).click();
  await stats(page).waitFor();
  return (await answers(page).textContent()) ?? "";
}

describe("after one visit", () => {
  test("it starts and answers with every server gone", async () => {
    const chat = await writeChatFolder();
    const models = await startModelServer(chat.folder);
    const query = `?model=${models.origin}`;
    const first = await open(query);
    const answer = await ask(first);
    await first.getByText("Works offline").waitFor();
    await first.close();

    models.close();
    chat.remove();
    server.close();
    const second = await open(query);
    expect(await ask(second)).toBe(answer);
    await second.close();
    server = await serve({ "/": { folder: site } }, { ports: [Number(new URL(server.origin).port)] });
  });
});

test("an update waits until it is wanted, and comes whole", async () => {
  const page = await open("?model=http://127.0.0.1:9/");
  await page.getByText("Works offline").waitFor();
  const index = join(site, "index.html");
  writeFileSync(index, readFileSync(index, "utf8").replace("<title>Fovea</title>", "<title>Fovea, newer</title>"));
  const worker = join(site, "sw.js");
  const kept = readFileSync(worker, "utf8");
  const newer = kept.replace(/(index\.html`,revision:`)[0-9a-f]+/, "$10000000000000001");
  expect(newer).not.toBe(kept);
  writeFileSync(worker, newer);

  await page.reload();
  await page.getByText("An update is ready.").waitFor();
  expect(await page.title()).toBe("Fovea");
  await page.reload();
  await page.getByRole("button", { name: "Reload to update" }).waitFor();
  expect(await page.title()).toBe("Fovea");
  await page.getByRole("button", { name: "Reload to update" }).click();
  await page.waitForFunction(() => document.title === "Fovea, newer");
  await page.close();
});
