/**
 * The demo page as it is built and served, in Chromium, around a tiny model whose answers mean nothing: first visit,
 * answer, tokens over the picture, words, comparison, reload, scenes, hostile answers, what axe says of each state. One
 * page for all of it: software adapters are slow to load even this. Other models: page-models.e2e.test.ts.
 */
import { readFileSync } from "node:fs";
import type { Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { GenerationStats } from "../../src/api.ts";
import type { Page as PageElement } from "../../src/app/parts/page.ts";
import { chatFiles } from "../support/chat-files.ts";
import { projectRoot } from "../support/command.ts";
import { type WrittenFolder, writeFolder } from "../support/model-folder.ts";
import { startModelServer } from "../support/model-server.ts";
import { axeFindings, PageVisits } from "../support/page-visit.ts";
import { answers, ask, details, ready, set, stats } from "../support/site-page.ts";

let visits: PageVisits;
let page: Page;

beforeAll(async () => {
  visits = await PageVisits.start();
});
afterAll(async () => {
  expect(await visits.end()).toBe(0);
});
afterEach(() => {
  expect(visits.complaints).toEqual([]);
});

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });
const question = () => page.getByLabel("Your question");
const inspector = () => page.locator("app-inspector");
const view = () => page.locator("app-picture-view");

/** How many rows each conversation on disk has. Runs in the page. */
async function savedRows(): Promise<number[]> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("fovea-conversations").catch(() => undefined);
  const found: number[] = [];
  for await (const name of folder?.keys() ?? []) {
    const one = await folder!.getDirectoryHandle(name);
    const header = await one.getFileHandle("header.json").catch(() => undefined);
    // After a hash.
    if (header) found.push(JSON.parse((await (await header.getFile()).text()).slice(64)).tokens);
  }
  return found;
}

/** Of the last answer. Runs in the page. */
function lastStats(): GenerationStats {
  return document.querySelector<PageElement>("app-page")!.app.store.state.turns.at(-1)!.answers.at(-1)!.stats!;
}

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
    page = await visits.open(`?model=${models.origin}`);
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
    expect(await axeFindings(page)).toEqual([]);
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
    expect(await axeFindings(page)).toEqual([]);
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
    expect(await axeFindings(page)).toEqual([]);
  });

  test("an answer is tried again in its place, with other settings", async () => {
    await set(page, { budget: 1 });
    await button("Try again").click();
    await page.getByText("2 / 2").waitFor();
    await stats(page).getByText("64 of 64 image tokens").waitFor();
    await button("Previous answer").click();
    await stats(page).getByText("32 of 64 image tokens").waitFor();
    await set(page, { budget: 0.5 });
    // The model's own share is no attribute of the element, and stays what was set.
    await page.waitForTimeout(100);
    expect(
      await page.evaluate(() => document.querySelector<PageElement>("app-page")!.app.store.state.settings.budget),
    ).toBe(0.5);
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
    // Not the model's default, though that of other models.
    await set(page, { maxTokens: 9, budget: 1 });
    await ask(page, "Sure?");
    const before = await answers(page).first().textContent();
    // Changes are kept together, and rows are saved after a while.
    await page.waitForTimeout(1500);
    const asked = await page.evaluate(lastStats);
    await expect.poll(() => page.evaluate(savedRows)).toEqual([asked.promptTokens + asked.newTokens - 1]);
    await page.reload();
    await stats(page).first().waitFor();
    expect(await answers(page).first().textContent()).toBe(before);
    await page.getByText("1 / 2").waitFor();
    await page.getByRole("img", { name: "Picture: picnic.webp" }).waitFor();
    await ready(page);
    const settings = await page.evaluate(
      () => document.querySelector<PageElement>("app-page")!.app.store.state.settings,
    );
    expect(settings).toMatchObject({ maxTokens: 9, budget: 1 });
    await ask(page, "And now?");
    // The rows of the earlier visit come from disk: with the picture, the question and the answers.
    const last = await page.evaluate(lastStats);
    expect(last.reusedTokens, JSON.stringify([asked, last])).toBeGreaterThanOrEqual(asked.promptTokens);
    expect(last.pictures[0]!.reused).toBe(true);
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
    await expect.poll(() => page.evaluate(savedRows)).toEqual([]);
    await button("More ways to add a picture").click();
    await button("Build a scene").click();
    await button("night").click();
    await button("rocket").click();
    await page.getByRole("button", { name: "rocket in the middle" }).focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("Shift+ArrowLeft");
    await page.getByRole("img", { name: "A scene with a rocket on the left; background: night." }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await button("Use this scene").click();
    await button("Remove Scene").click();
  });

  test("another model is looked up before it is loaded", async () => {
    await page.getByRole("button", { name: /^Model/ }).click();
    await page.getByLabel(/^Another model/).fill(models.origin);
    await button("Check").click();
    await page.getByText(/all on this computer/).waitFor();
    await page
      .locator(".found")
      .getByText(/MB of GPU memory/)
      .waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.locator("#files").setInputFiles(`${projectRoot}/package.json`);
    await page.getByRole("alert").filter({ hasText: "o config.json in the given files" }).waitFor();
    await button("Close").click();
  });

  test("asks for nothing but its own files and the model's", async () => {
    const own = [new URL(visits.address).origin, new URL(models.origin).origin];
    expect(visits.requested.filter((url) => !/^(blob|data):/.test(url) && !own.includes(new URL(url).origin))).toEqual(
      [],
    );
  });
});
