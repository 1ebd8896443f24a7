/** The built site with its headers: no frames, no HTML or scripts from text, and everything works under that policy. */
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { serve } from "../../tools/serve.mjs";
import { projectRoot, type Running, startCommand } from "../support/command.ts";
import { makePdf } from "../support/pdf.ts";
import { ask, choose, ready } from "../support/site-page.ts";

let site: Running;
let address: string;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  site = startCommand("start", []);
  address = (await site.said(/http:\S+/))[0];
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
  page = await browser.newPage();
  page.setDefaultTimeout(240_000);
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", ({ message }) => complaints.push(message));
});
afterAll(async () => {
  await browser?.close();
  site.process.kill("SIGINT");
  await site.ended;
});

test("the page starts its worker and its service worker without a complaint", async () => {
  const response = await page.goto(address);
  expect(response!.headers()["content-security-policy"]).toContain("frame-ancestors 'none'");
  await expect.poll(() => page.workers().length, { timeout: 120_000 }).toBe(1);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  expect(complaints).toEqual([]);
});

test("an answer follows a format, WebAssembly and its worker included", async () => {
  await ready(page);
  await page
    .locator("fovea-chat")
    .evaluate((chat: FoveaChat) => Object.assign(chat, { format: { type: "choice", options: ["a frog", "a whale"] } }));
  await choose(page, `${projectRoot}/public/samples/harbour.webp`);
  expect(await ask(page, "What is it?")).toMatch(/a (frog|whale)/);
  expect(complaints).toEqual([]);
});

test("a PDF becomes a picture, by a worker of its own", async () => {
  const pdf = makePdf([{ colour: [1, 0, 0] }]);
  const buffer = Buffer.from(await pdf.arrayBuffer());
  await page.locator("fovea-chat .chooser").first().setInputFiles({ name: pdf.name, mimeType: pdf.type, buffer });
  await page.getByRole("button", { name: "Remove paper.pdf.png", exact: true }).waitFor();
  expect(complaints).toEqual([]);
});

test("text becomes neither HTML nor a script", async () => {
  const refused = await page.evaluate(() => {
    const attempts: Record<string, () => unknown> = {
      html: () => Object.assign(document.createElement("div"), { innerHTML: "<img src=x onerror=alert(1)>" }),
      script: () => Object.assign(document.createElement("script"), { src: "/fovea-worker.js.evil" }),
      worker: () => new Worker("/elsewhere.js"),
      "worker of another site": () => new Worker("https://elsewhere.invalid/assets/fovea-worker-1.js"),
    };
    return Object.entries(attempts).flatMap(([name, attempt]) => {
      try {
        attempt();
        return [];
      } catch {
        return [name];
      }
    });
  });
  expect(refused).toEqual(["html", "script", "worker", "worker of another site"]);
});

test("no other page can show it in a frame", async () => {
  const text = `<!doctype html><iframe src="${address}"></iframe>`;
  const other = await serve({ "/": { text, type: "text/html" } });
  const outer = await browser.newPage();
  const said: string[] = [];
  outer.on("console", (message) => said.push(message.text()));
  await outer.goto(other.origin);
  await expect.poll(() => said.join("\n"), { timeout: 60_000 }).toMatch(/frame-ancestors/);
  other.close();
});
