/** The example that searches pictures by words, as somebody who copies it has it: the built library, a real browser. */
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { serve } from "../../tools/serve.mjs";
import { projectRoot } from "../support/command.ts";
import { loadPairs, rowOf } from "../support/golden-pairs.ts";
import { installedBeside } from "../support/installed-example.ts";
import { startModelServer } from "../support/model-server.ts";
import { dataRoot, describeShared, needing } from "../support/shared.ts";

const MODEL = "golden/families/clip-f32/model";

describeShared(needing("golden/families", "examples/search"), () => {
  let server: { origin: string; close: () => void };
  let models: { origin: string; close: () => void };
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    server = await serve({
      "/search/": { folder: join(projectRoot, "examples/search") },
      ...installedBeside("search"),
    });
    models = await startModelServer(join(dataRoot, MODEL));
    browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
    page = await browser.newPage();
    page.setDefaultTimeout(240_000);
    page.on("pageerror", ({ message }) => complaints.push(message));
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    models?.close();
  });

  const status = (hasText: string | RegExp) => page.getByRole("status").filter({ hasText }).waitFor();

  test("sorts pictures by words, and works without a network", async () => {
    const { pictures, texts, expected } = await loadPairs("clip-f32");
    await page.goto(`${server.origin}/search/?model=${encodeURIComponent(models.origin)}`);
    await page.getByRole("button", { name: "Load" }).click();
    await status("Ready.");
    // The words, the pictures and the model are all there by now.
    await page.context().setOffline(true);
    await page
      .getByLabel("Pictures")
      .setInputFiles([...pictures.map((name) => join(dataRoot, name)), join(projectRoot, "package.json")]);
    await status("3 pictures read. Not pictures: package.json.");
    for (const [column, text] of texts.entries()) {
      // A field of a form has no tabs.
      if (text.includes("\t")) continue;
      await page.getByLabel("Words").fill(text);
      await page.getByRole("button", { name: "Search" }).click();
      await status(`Sorted by "${text}".`);
      const logits = pictures.map((_, row) => rowOf(expected.get("logits_per_image")!, row)[column]!);
      const order = pictures.map((_, i) => i).sort((a, b) => logits[b]! - logits[a]!);
      const names = order.map((i) => pictures[i]!.split("/").at(-1));
      const shown = page.locator("#found img");
      expect(await shown.evaluateAll((images) => images.map((image) => image.getAttribute("alt")))).toEqual(names);
    }
    expect(complaints).toEqual([]);
  });

  test("names the fault of a model, and loads one from files", async () => {
    await page.context().setOffline(false);
    await page.getByLabel("Model").fill(`${server.origin}/nowhere/`);
    await page.getByRole("button", { name: "Load" }).click();
    await status("no config.json");
    const files = [
      "config.json",
      "preprocessor_config.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "model.safetensors",
    ];
    await page.getByLabel("or its files").setInputFiles(files.map((name) => join(dataRoot, MODEL, name)));
    await page.getByRole("button", { name: "Load" }).click();
    await status("3 pictures read.");
    expect(complaints).toEqual([]);
  });
});
