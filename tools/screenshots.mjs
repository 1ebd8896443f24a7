// node tools/screenshots.mjs [--model ADDRESS] [--max-tokens N] [--folder FOLDER]: takes the README's pictures of the demo
// page, by default with fovea-demo. Run it by hand, and commit the result in docs/.
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromium } from "playwright";
import { ensureSite, siteFolder } from "./build.mjs";
import { CHROMIUM_FLAGS, findChromium } from "./chromium.mjs";
import { root } from "./library.mjs";
import { serve } from "./serve.mjs";

const TIMEOUT_MS = 300_000;
const DESK = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    "max-tokens": { type: "string", default: "64" },
    folder: { type: "string", default: `${root}docs` },
  },
});

await ensureSite();
mkdirSync(values.folder, { recursive: true });
const server = await serve({ "/": { folder: siteFolder } });
const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS });
try {
  // One page for all: with a software adapter an answer takes its time.
  const page = await browser.newPage({ viewport: DESK, colorScheme: "light", reducedMotion: "reduce" });
  page.setDefaultTimeout(TIMEOUT_MS);
  const query = values.model ? `?model=${encodeURIComponent(values.model)}` : "";
  await page.goto(`${server.origin}/${query}`);
  await page.getByText("tokens per picture").waitFor();
  await page.evaluate(setLength, Number(values["max-tokens"]));

  await ask(page, 1);
  await shoot(page, "page-tokens");

  await page.getByLabel(/^Answer\. Arrow keys/).focus();
  await chooseLongestWord(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await shoot(page, "page-gaze-dark");
  await page.keyboard.press("Escape");

  await page.emulateMedia({ colorScheme: "light" });
  await page.getByLabel("compare with both turned off").check();
  await page.getByRole("button", { name: "New", exact: true }).click();
  await page.getByRole("button", { name: "Harbour", exact: true }).click();
  await ask(page, 2);
  await shoot(page, "page-compare");

  await page.setViewportSize(PHONE);
  await page.evaluate(() => scrollTo(0, 0));
  await shoot(page, "page-phone");
  await page.setViewportSize(DESK);
  await page.getByRole("button", { name: "Build a scene" }).click();
  await page.getByRole("button", { name: "guitar", exact: true }).waitFor();
  for (const thing of ["guitar", "cat", "sunflower"])
    await page.getByRole("button", { name: thing, exact: true }).click();
  await shoot(page, "page-scene");
} finally {
  await browser.close();
  server.close();
}

/**
 * Runs in the page: limits the answers.
 * @param {number} maxTokens
 */
function setLength(maxTokens) {
  /** @type {import("../src/app/parts/page.ts").Page | null} */
  const page = document.querySelector("app-page");
  page?.app.set({ maxTokens });
}

/**
 * Asks the page's question, and waits for all of its answers.
 * @param {import("playwright").Page} page
 * @param {number} answers
 */
async function ask(page, answers) {
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page
    .getByLabel("Statistics")
    .nth(answers - 1)
    .waitFor();
}

/**
 * Selects the longest word.
 * @param {import("playwright").Page} page
 */
async function chooseLongestWord(page) {
  const words = await page.locator("app-answer .word").allTextContents();
  const lengths = words.map(({ length }) => length);
  await page
    .locator("app-answer .word")
    .nth(lengths.indexOf(Math.max(...lengths)))
    .click();
}

/**
 * @param {import("playwright").Page} page
 * @param {string} name
 */
async function shoot(page, name) {
  // Moves the pointer off the words, which react to it.
  await page.mouse.move(0, 0);
  await page.screenshot({ path: `${values.folder}/${name}.png`, scale: "css" });
  console.log(`${name}.png`);
}
