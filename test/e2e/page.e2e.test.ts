/** The demo page as it is built and served, in Chromium: models from a folder and an address, answers, errors. */
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { projectRoot, type Running, startCommand } from "../support/command.ts";
import { startModelServer } from "../support/model-server.ts";
import { describeShared } from "../support/shared.ts";

const shared = `${projectRoot}/../shared`;
const stories = `${shared}/real/stories260K`;
const classifier = `${shared}/real/vit-tiny`;
const cat = `${shared}/real/photos/originals_large/chelsea.png`;

let server: Running;
let address: string;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  server = startCommand("start", []);
  address = (await server.said(/http:\S+/))[0];
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterAll(async () => {
  await browser?.close();
  server.process.kill("SIGINT");
  expect((await server.ended).code).toBe(0);
});
beforeEach(async () => {
  page = await browser.newPage();
  page.setDefaultTimeout(240_000);
  complaints = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(address);
});
afterEach(async () => {
  // Violations of the page's Content-Security-Policy are among them.
  expect(complaints).toEqual([]);
  await page.close();
});

const answer = () => page.locator("#answer");
const finished = () => page.locator("#statistics dd").first().waitFor();

test("says what is missing, and what is wrong with a model", async () => {
  await page.getByText("No model is loaded.").waitFor();
  await page.getByText("Load a model first.").waitFor();
  expect(await page.getByRole("button", { name: "Ask" }).isDisabled()).toBe(true);
  await page.locator("#model-files-input").setInputFiles(`${projectRoot}/package.json`);
  await page.getByRole("alert").filter({ hasText: "o config.json in the given files" }).waitFor();
  await page.getByText("No model is loaded.").waitFor();
});

test("fits a narrow phone, and works without a mouse", async () => {
  await page.setViewportSize({ width: 360, height: 640 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  const visited = [];
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press("Tab");
    visited.push(await page.evaluate(() => document.activeElement?.id));
  }
  expect(visited).toEqual(["model-url", "model-load", "model-folder", "model-files", "picture-choose", "question"]);
});

test("refuses a file that is no picture", async () => {
  await page.locator("#picture-input").setInputFiles(`${projectRoot}/package.json`);
  await page.getByText("package.json is not a picture.").waitFor();
});

describeShared("with models", () => {
  test("a language model from a folder answers, and stops when told to", async () => {
    await page.locator("#model-folder-input").setInputFiles(stories);
    await page.getByText("stories260K: llama").waitFor();
    await page.getByText("Write a question first.").waitFor();
    await page.getByLabel("What do you want to know?").fill("Once upon a time");
    await page.keyboard.press("Enter");
    await expect.poll(() => answer().textContent(), { timeout: 120_000 }).toMatch(/^, there was/);
    await page.getByRole("button", { name: "Stop" }).click();
    await finished();
    expect(await answer().textContent()).toMatch(/^, there was .*\(stopped\)$|\(cut at the longest answer\)$/s);
    expect(await page.locator("#statistics").textContent()).toContain("5 tokens");
    expect(await page.getByRole("button", { name: "Ask" }).isEnabled()).toBe(true);
  });

  test("a classifier from another server's address looks at a picture", async () => {
    const models = await startModelServer(classifier);
    try {
      await page.locator("#model-url").fill(models.origin);
      await page.getByRole("button", { name: "Load" }).click();
      await page.getByText("vit, 5.7 million parameters").waitFor();
      await page.getByText("Choose a picture first.").waitFor();
      await page.locator("#picture-input").setInputFiles(cat);
      await page.getByRole("button", { name: "Classify" }).click();
      await finished();
      expect(await answer().locator("li").first().textContent()).toMatch(/7\d\.\d % Egyptian cat/);
      await page.getByRole("button", { name: "Remove" }).click();
      await page.getByText("Choose a picture first.").waitFor();
    } finally {
      models.close();
    }
  });

  test("a pasted picture is left out for a model that reads text only, and the page says so", async () => {
    await page.locator("#model-folder-input").setInputFiles(stories);
    await page.getByText("stories260K: llama").waitFor();
    await page.evaluate(() => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([new Uint8Array(8)], "pasted.png", { type: "image/png" }));
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
    });
    await page.getByText("pasted.png cannot be shown; is it a picture?").waitFor();
    await page.locator("#question").fill("Once");
    await page.getByText("This model reads text only: the picture is left out.").waitFor();
  });
});
