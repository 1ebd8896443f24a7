/**
 * The demo page as it is built and served, in Chromium, around a tiny model whose answers mean nothing: first visit,
 * answer, tokens over the picture, words, comparison, scenes, other models, hostile answers, what axe says of each state.
 * One page for most of it: software adapters are slow to load even this. Without a network: page-offline.e2e.test.ts.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Page as PageElement } from "../../src/app/parts/page.ts";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { chatFiles } from "../support/chat-files.ts";
import { projectRoot, type Running, startCommand } from "../support/command.ts";
import { type WrittenFolder, writeFolder } from "../support/model-folder.ts";
import { startModelServer } from "../support/model-server.ts";
import { pngOf } from "../support/png.ts";
import { CLASSIFIER_SIDE, classifierFiles, languageFiles, referenceClasses } from "../support/random-models.ts";
import { answers, choose, details, ready, set, stats } from "../support/site-page.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let server: Running;
let address: string;
let browser: Browser;
let page: Page;
let complaints: string[] = [];
let requested: string[] = [];

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
afterEach(() => {
  // Violations of the page's Content-Security-Policy are among them.
  expect(complaints).toEqual([]);
});

async function open(query: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<void> {
  const context = await browser.newContext(options);
  page = await context.newPage();
  page.setDefaultTimeout(240_000);
  [complaints, requested] = [[], []];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    // A folder need not have every file that is asked for.
    const isMissingFile = /status of 404/.test(message.text());
    if (message.type() === "error" && !isMissingFile) complaints.push(message.text());
  });
  context.on("request", (request) => requested.push(request.url()));
  await page.addInitScript(() => {
    const long = { ms: 0 };
    Object.assign(globalThis, { long });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) long.ms = Math.max(long.ms, duration);
    }).observe({ type: "longtask" });
  });
  await page.goto(`${address}${query}`);
}

/** Rules that axe finds broken, with what they are about. */
async function axeFindings(): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });
const question = () => page.getByLabel("Your question");
const inspector = () => page.locator("app-inspector");
const view = () => page.locator("app-picture-view");

describe("with the tiny model", () => {
  let chat: WrittenFolder;
  let models: Awaited<ReturnType<typeof startModelServer>>;

  beforeAll(async () => {
    const defaults = { compression: { method: "vmtc", ratio: 0.5 }, inhibition: { maxRatio: 0.6 } };
    chat = writeFolder({
      ...(await chatFiles()),
      "fovea.json": new TextEncoder().encode(JSON.stringify({ defaults })),
    });
    models = await startModelServer(chat.folder);
    await open(`?model=${models.origin}`);
  });
  afterAll(async () => {
    await page?.context().close();
    models?.close();
    chat?.remove();
  });

  test("a first visit says what the page is for, and one press on an example answers it", async () => {
    await page.getByRole("heading", { name: "Ask your pictures. Nothing leaves this computer." }).waitFor();
    expect(await page.getByRole("list", { name: "Examples" }).getByRole("button").count()).toBe(4);
    await ready(page);
    await set(page, { maxTokens: 8 });
    await page.getByRole("button", { name: "What do you see?" }).click();
    await stats(page).waitFor();
    // The engine works elsewhere: nothing keeps the page from answering its user. Generous for machines that run much else.
    const longMs = await page.evaluate(() => (globalThis as unknown as { long: { ms: number } }).long.ms);
    console.log(`longest task of the page: ${longMs} ms`);
    expect(longMs).toBeLessThan(1000);
    expect((await answers(page).textContent())?.length).toBeGreaterThan(0);
    expect(await details(page)).toMatch(/Image tokens\s*32 of 64.*Vision.*Prefill.*Answer, 8 tokens.*GPU memory/s);
    expect(await axeFindings()).toEqual([]);
  });

  test("tokens are drawn over the picture, stage by stage, with their right numbers", async () => {
    // 0.5 of 64 patches in three stages, 0.156 of each stage's tokens are clusters.
    await view().getByText("Stage 3 of 3: 32 tokens").waitFor();
    const patches = await page.evaluate(() => {
      const { turns } = document.querySelector<PageElement>("app-page")!.app.store.state;
      const origins = turns[0]!.answers[0]!.seen[0]!.views[0]!.stages.at(-1)!.origins;
      return { merged: origins.filter(({ length }) => length > 1).reduce((sum, { length }) => sum + length, 0) };
    });
    expect(patches.merged).toBeGreaterThan(32);
    expect(await view().locator(".merged").count()).toBe(patches.merged);
    expect(await view().locator('.merged[fill^="rgb"]').count()).toBe(patches.merged);
    expect(await view().locator(".dropped").count()).toBe(0);
    await page.getByLabel("Stage", { exact: true }).fill("1");
    await view().getByText("Stage 1 of 3: 51 tokens").waitFor();
    expect(await view().locator(".merged").count()).toBeLessThan(patches.merged);
    await button("Play").click();
    await view().getByText("64 patches enter").waitFor();
    await view().getByText("Stage 3 of 3: 32 tokens").waitFor();
    await button("Picture").click();
    expect(await view().locator(".merged").count()).toBe(0);
  });

  test("a word of the answer shows where it looked, by pointer and by keyboard, layer by layer", async () => {
    await page.locator("fovea-chat .word").first().hover();
    await view().getByText("bright is where it looked").waitFor();
    expect(await view().locator("image.heat").count()).toBe(1);
    await page.mouse.move(0, 0);
    await inspector().getByText("Point at a word of the answer").waitFor();
    await page.getByLabel(/^Answer\. Arrow keys/).focus();
    await page.keyboard.press("ArrowRight");
    await view().getByText("bright is where it looked").waitFor();
    // Layers inhibit more the deeper they are: none of the tokens in the first, 0.6 of 32 in the last.
    await page.getByLabel("Layer of the decoder").fill("1");
    await view().getByText("(0 of 32 tokens)").waitFor();
    await page.getByLabel("Layer of the decoder").fill("5");
    await view()
      .getByText(/\((1[5-9]|2\d) of 32 tokens\)/)
      .waitFor();
    expect(await view().locator(".inhibited").count()).toBeGreaterThan(14);
    expect(await axeFindings()).toEqual([]);
    await page.getByLabel(/^Answer\. Arrow keys/).focus();
    await page.keyboard.press("Escape");
  });

  test("an answer is compared with compression off, and the verdict is one sentence", async () => {
    await button("Compare with compression off").click();
    const verdict = inspector().locator(".comparison strong");
    await verdict.waitFor();
    expect(await verdict.textContent()).toMatch(
      /^50 % of the tokens, (the same|another) answer, .* to the first word\.$/,
    );
    const sides = inspector().locator(".comparison section");
    expect(await sides.nth(0).textContent()).toMatch(/Your settings.*32 of 64 image tokens/s);
    expect(await sides.nth(1).textContent()).toMatch(/All tokens, no inhibition.*64 of 64 image tokens/s);
    expect(await axeFindings()).toEqual([]);
  });

  test("an answer is tried again in its place, with other settings", async () => {
    await set(page, { budget: 1 });
    await button("Try again").click();
    await page.getByText("2 / 2").waitFor();
    await stats(page).getByText("64 of 64 image tokens").waitFor();
    await button("Previous answer").click();
    await stats(page).getByText("32 of 64 image tokens").waitFor();
    await set(page, { budget: 0.5 });
  });

  test("stops in the middle of an answer, and goes on from there", async () => {
    await set(page, { maxTokens: 400 });
    await question().fill("And then?");
    await page.keyboard.press("Enter");
    await expect.poll(() => answers(page).nth(1).count(), { timeout: 240_000 }).toBe(1);
    await button("Stop").click();
    await page.getByText("Stopped.", { exact: true }).waitFor();
    await button("Send").waitFor();
  });

  test("the conversation is saved as a file", async () => {
    await details(page);
    const [download] = await Promise.all([page.waitForEvent("download"), button("Save JSON").click()]);
    const saved = JSON.parse(readFileSync(await download.path(), "utf8"));
    expect(saved).toMatchObject({ format: "fovea-conversation-2", turns: [{ question: "What do you see?" }, {}] });
    expect(saved.turns[0].answers).toHaveLength(2);
    expect(saved.turns[0].answers[0].seen[0].views[0].stages).toHaveLength(3);
  });

  test("the conversation survives a reload, with its picture, its answers and the settings", async () => {
    await set(page, { maxTokens: 9 });
    const before = await answers(page).first().textContent();
    // Changes are kept together.
    await page.waitForTimeout(1500);
    await page.reload();
    await stats(page).first().waitFor();
    expect(await answers(page).first().textContent()).toBe(before);
    await page.getByText("1 / 2").waitFor();
    await page.getByRole("img", { name: "Picture: picnic.webp" }).waitFor();
    await ready(page);
    const maxTokens = () =>
      page.evaluate(() => document.querySelector<PageElement>("app-page")!.app.store.state.settings.maxTokens);
    expect(await maxTokens()).toBe(9);
    await question().fill("And now?");
    await page.keyboard.press("Enter");
    await stats(page).nth(2).waitFor();
  });

  test("an answer that is hostile is text", async () => {
    await page.evaluate(() => {
      const { app } = document.querySelector<PageElement>("app-page")!;
      const text =
        '<img src=x onerror="document.title=1"><script>document.title=2</script>\n\n[a](javascript:document.title=3) ![b](https://example.com/x.png) **bold**';
      app.chat.restore(
        app.store.state.turns.map((turn) => ({
          ...turn,
          answers: turn.answers.map((answer) => ({ ...answer, text })),
        })),
      );
    });
    const answer = answers(page).first();
    await answer.getByText("bold").waitFor();
    expect(await answer.locator("img, script, a[href^=javascript]").count()).toBe(0);
    expect(await answer.textContent()).toContain('<img src=x onerror="document.title=1">');
    expect(await page.title()).toBe("Fovea");
  });

  test("a scene is built by keyboard, and goes with the question", async () => {
    await button("New conversation").click();
    await button("More ways to add a picture").click();
    await button("Build a scene").click();
    await button("night").click();
    await button("rocket").click();
    await page.getByRole("button", { name: "rocket in the middle" }).focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("Shift+ArrowLeft");
    await page.getByRole("img", { name: "A scene with a rocket on the left; background: night." }).waitFor();
    expect(await axeFindings()).toEqual([]);
    await button("Use this scene").click();
    await button("Remove Scene").click();
  });

  test("another model is looked up before it is loaded", async () => {
    await page.getByRole("button", { name: /^Model/ }).click();
    await page.getByLabel(/^Hugging Face model/).fill(models.origin);
    await button("Check").click();
    await page.getByText(/all on this computer/).waitFor();
    await page.getByText(/MB of GPU memory/).waitFor();
    expect(await axeFindings()).toEqual([]);
    await page.locator("#files").setInputFiles(`${projectRoot}/package.json`);
    await page.getByRole("alert").filter({ hasText: "o config.json in the given files" }).waitFor();
    await button("Close").click();
  });

  test("asks for nothing but its own files and the model's", async () => {
    const own = [new URL(address).origin, new URL(models.origin).origin];
    expect(requested.filter((url) => !/^(blob|data):/.test(url) && !own.includes(new URL(url).origin))).toEqual([]);
  });
});

test.skipIf(!existsSync(`${projectRoot}/public/fovea-demo/model.safetensors`))(
  "the shipped model is loaded without a choice, says what it knows, and knows what it sees",
  async () => {
    await open("");
    await page.getByText("it knows emoji scenes, not photographs").waitFor();
    // It answers nothing sensible without a picture.
    await question().fill("Hello");
    await page.getByText("Add a picture first.").waitFor();
    expect(await button("Send").isDisabled()).toBe(true);
    await page.getByRole("button", { name: "What do you see?" }).click();
    await stats(page).waitFor();
    expect(await answers(page).textContent()).toMatch(/dog/i);
    await answers(page).getByText("dog").click();
    await view().getByText("bright is where it looked").waitFor();
    await button("Get a real model").click();
    await page.getByRole("list", { name: "Models to try" }).getByText("SmolVLM-256M").waitFor();
    await page.context().close();
  },
);

test("fits a narrow phone, enlarged twice, in the dark; says what is missing", async () => {
  // 360 pixels enlarged twice are 180: the layout must not need more.
  await open("?model=http://127.0.0.1:9/", {
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
    reducedMotion: "reduce",
  });
  await page.getByRole("alert").filter({ hasText: "Check the connection and try again" }).waitFor();
  expect(await axeFindings()).toEqual([]);
  for (const width of [360, 720 / 2, 320]) {
    await page.setViewportSize({ width, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  }
  // The first screen holds the headline, the examples and the form.
  const bottom = async (locator: ReturnType<Page["locator"]>) => {
    const box = (await locator.boundingBox())!;
    return box.y + box.height;
  };
  expect(await bottom(question())).toBeLessThan(740);
  await choose(page, `${projectRoot}/package.json`);
  await page.getByText("package.json is not a picture").waitFor();
  // The failed connection is the browser's own message.
  complaints = complaints.filter((text) => !/ERR_|Failed to load/.test(text));
  await page.context().close();
});

describe("with other models", () => {
  test("a browser without WebGPU is told what to do", async () => {
    const model = writeFolder(languageFiles());
    const plain = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox", "--disable-gpu"] });
    try {
      const without = await plain.newPage();
      await without.goto(address);
      // The shipped model, or none yet: either way files of this machine are a model.
      await without.getByRole("button", { name: /^Model/ }).click();
      await without.locator("#files").setInputFiles(readdirSync(model.folder).map((name) => join(model.folder, name)));
      await without.getByRole("button", { name: "Load", exact: true }).last().click();
      await without.getByRole("alert").filter({ hasText: "Fovea needs WebGPU" }).waitFor();
    } finally {
      await plain.close();
      model.remove();
    }
  });

  test("names the kind of a picture", async () => {
    const model = writeFolder(classifierFiles());
    const models = await startModelServer(model.folder);
    const rgb = Uint8Array.from({ length: CLASSIFIER_SIDE ** 2 * 3 }, (_, i) => (i * 7) % 251);
    const expected = referenceClasses(rgb);
    const best = expected.indexOf(Math.max(...expected));
    try {
      await open(`?model=${models.origin}`);
      await ready(page);
      const picture = pngOf(CLASSIFIER_SIDE, CLASSIFIER_SIDE, rgb);
      await choose(page, { name: "noise.png", mimeType: "image/png", buffer: picture });
      await question().fill("What is it?");
      await set(page, { budget: 1 });
      await button("Send").click();
      await answers(page).locator("li").first().waitFor();
      expect(await answers(page).locator("li").first().textContent()).toContain(
        `${(100 * expected[best]!).toFixed(1)} % kind ${best}`,
      );
    } finally {
      models.close();
      model.remove();
      await page.context().close();
    }
  });
});
