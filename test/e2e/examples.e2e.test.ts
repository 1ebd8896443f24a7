/** The examples as somebody who copies them has them: the built library beside them, a real browser, a small model. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { libraryFolder } from "../../tools/library.mjs";
import { serve } from "../../tools/serve.mjs";
import { chatFiles } from "../support/chat-files.ts";
import { projectRoot } from "../support/command.ts";
import { installedBeside } from "../support/installed-example.ts";
import { startModelServer } from "../support/model-server.ts";

const EXAMPLES = ["html", "import-map", "react"];
/** Tokens. The prompts have about 230 and 305: there is time to stop the first answer, and the second ends by itself. */
const CONTEXT = 340;
const LONG_QUESTION = "Why? ".repeat(20);

const folder = mkdtempSync(join(tmpdir(), "fovea-examples-"));
const picture = join(projectRoot, "public/samples/harbour.webp");

let server: { origin: string; close: () => void };
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  await build({
    root: join(projectRoot, "examples/react"),
    base: "./",
    logLevel: "error",
    resolve: {
      alias: { "fovea/react": join(libraryFolder, "react.js"), fovea: join(libraryFolder, "index.js") },
    },
    build: { outDir: join(folder, "react"), emptyOutDir: true },
  });
  server = await serve({
    "/html/": { folder: join(projectRoot, "examples/html") },
    ...installedBeside("html"),
    "/import-map/": { folder: join(projectRoot, "examples/import-map") },
    ...installedBeside("import-map"),
    "/react/": { folder: join(folder, "react") },
  });
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  page = await browser.newPage();
  page.setDefaultTimeout(240_000);
  complaints = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
});
afterEach(async () => {
  expect(complaints).toEqual([]);
  await page.close();
});

const status = () => page.getByRole("status");
const open = (example: string, model: string) =>
  page.goto(`${server.origin}/${example}/?model=${encodeURIComponent(model)}`);

test.for(EXAMPLES)("%s says what is wrong with a model", async (example) => {
  await open(example, `${server.origin}/nowhere/`);
  await status().filter({ hasText: "no config.json" }).waitFor();
  expect(await page.getByRole("button", { name: "Ask" }).isDisabled()).toBe(true);
});

test("the React example depends on what it is tested with", () => {
  const read = (path: string) => JSON.parse(readFileSync(join(projectRoot, path), "utf8"));
  const { version, devDependencies } = read("package.json");
  const example = read("examples/react/package.json");
  const tested = { ...devDependencies, fovea: version };
  for (const [name, wanted] of Object.entries({ ...example.dependencies, ...example.devDependencies }))
    expect([name, wanted]).toEqual([name, tested[name]]);
});

describe("with a model", () => {
  let models: { origin: string; close: () => void };
  beforeAll(async () => {
    const model = join(folder, "model");
    mkdirSync(model);
    for (const [name, bytes] of Object.entries(await chatFiles()))
      writeFileSync(join(model, name), bytes as Uint8Array);
    const config = JSON.parse(readFileSync(join(model, "config.json"), "utf8"));
    config.text_config.max_position_embeddings = CONTEXT;
    writeFileSync(join(model, "config.json"), JSON.stringify(config));
    models = await startModelServer(model);
  });
  afterAll(() => models?.close());

  test.for(EXAMPLES)("%s answers about a picture, and again after a stop", async (example) => {
    await open(example, models.origin);
    await status().filter({ hasText: "Ready." }).waitFor();
    await page.getByLabel("Picture").setInputFiles(picture);
    await page.getByRole("button", { name: "Ask" }).click();
    const answer = page.locator("output, #answer");
    await expect.poll(() => answer.textContent(), { timeout: 240_000 }).not.toBe("");
    await page.getByRole("button", { name: "Stop" }).click();
    await status()
      .filter({ hasText: /abort|stopped/ })
      .waitFor();

    await page.getByLabel("Question").fill(LONG_QUESTION);
    await page.getByRole("button", { name: "Ask" }).click();
    await status()
      .filter({ hasText: /^(stop|length): \d+ tokens|tokens read/ })
      .waitFor();
    expect(await answer.textContent()).not.toBe("");
  });

  test.for(EXAMPLES)("%s says what is wrong with a picture", async (example) => {
    await open(example, models.origin);
    await status().filter({ hasText: "Ready." }).waitFor();
    await page.getByLabel("Picture").setInputFiles(join(projectRoot, "package.json"));
    await page.getByRole("button", { name: "Ask" }).click();
    await status()
      .filter({ hasText: /is not a picture/ })
      .waitFor();
    expect(await page.getByRole("button", { name: "Ask" }).isEnabled()).toBe(true);
  });
});
