// node tools/screenshots.mjs [--model ADDRESS] [--max-tokens N] [--folder FOLDER]: takes the README's pictures of the demo
// page, by default with fovea-demo. Run it by hand, and commit the result in docs/. With --all it takes every state of the
// page at three widths, light and dark, into dist/screenshots, which is not committed.
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromium } from "playwright";
import { ensureSite, siteFolder } from "./build.mjs";
import { CHROMIUM_FLAGS, findChromium } from "./chromium.mjs";
import { root } from "./library.mjs";
import { takeMatrix } from "./screenshot-matrix.mjs";
import { serve } from "./serve.mjs";

const COMPILE_MS = 8000;
const TIMEOUT_MS = 90_000;
const DESK = { width: 1280, height: 860 };
const PHONE = { width: 360, height: 740 };

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    "max-tokens": { type: "string", default: "64" },
    folder: { type: "string" },
    all: { type: "boolean", default: false },
  },
});

const folder = values.folder ?? `${root}${values.all ? "dist/screenshots" : "docs"}`;
await ensureSite();
mkdirSync(folder, { recursive: true });
const server = await serve({ "/": { folder: siteFolder } });
const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS });
try {
  if (values.all) await takeMatrix(browser, { address: server.origin, folder, timeout: TIMEOUT_MS, isReady });
  else await takeForDocuments();
} finally {
  await browser.close();
  server.close();
}

async function takeForDocuments() {
  // One page for all pictures, because an answer takes long on a software adapter.
  const page = await browser.newPage({ viewport: DESK, colorScheme: "light", reducedMotion: "reduce" });
  page.setDefaultTimeout(TIMEOUT_MS);
  const query = values.model ? `?model=${encodeURIComponent(values.model)}` : "";
  await page.goto(`${server.origin}/${query}`);
  await page.waitForFunction(isReady);
  await page.evaluate(setLength, Number(values["max-tokens"]));
  await shoot(page, "page-first");
  // Shaders compile behind the page; who asks at once waits for them, which takes seconds on a software adapter only.
  await page.waitForTimeout(COMPILE_MS);

  await askExample(page, "Picnic");
  await page.locator("app-picture-view .merged[fill^=rgb]").first().waitFor();
  await shoot(page, "page-tokens");

  await chooseLongestWord(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await shoot(page, "page-gaze-dark");
  await page.keyboard.press("Escape");

  await page.emulateMedia({ colorScheme: "light" });
  await page.getByRole("button", { name: "Compare with compression off" }).click();
  const verdict = page.locator("app-inspector .comparison strong");
  await verdict.waitFor();
  await page.locator("app-inspector .comparison").scrollIntoViewIfNeeded();
  await shoot(page, "page-compare");

  await page.getByRole("button", { name: /^Model/ }).click();
  await shoot(page, "page-models");
  await page.keyboard.press("Escape");

  await page.setViewportSize(PHONE);
  await page.getByRole("button", { name: "Close" }).click();
  await shoot(page, "page-phone");
}

/** Runs in the page: true if its model is loaded. */
function isReady() {
  /** @type {import("../src/app/parts/page.ts").Page | null} */
  const page = document.querySelector("app-page");
  return page?.app?.store.state.model.info !== undefined;
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
 * Presses an example, and waits for its answer.
 * @param {import("playwright").Page} page
 * @param {string} title
 */
async function askExample(page, title) {
  await page.getByRole("img", { name: title }).click();
  await page.locator("fovea-chat [part=stats]").waitFor();
}

/**
 * Pins the longest word.
 * @param {import("playwright").Page} page
 */
async function chooseLongestWord(page) {
  const words = page.locator("fovea-chat .word");
  const lengths = (await words.allTextContents()).map(({ length }) => length);
  await words.nth(lengths.indexOf(Math.max(...lengths))).click();
}

/**
 * @param {import("playwright").Page} page
 * @param {string} name
 */
async function shoot(page, name) {
  // Moves the pointer off the words, which react to it.
  await page.mouse.move(0, 0);
  await page.screenshot({ path: `${folder}/${name}.png`, scale: "css" });
  console.log(`${name}.png`);
}
