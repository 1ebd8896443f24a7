/** The demo page with the shipped model, without a model, on a phone, without WebGPU, and with a classifier. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Page as PageElement } from "../../src/app/parts/page.ts";
import { findChromium } from "../../tools/chromium.mjs";
import { projectRoot } from "../support/command.ts";
import { ggufModel } from "../support/gguf-model.ts";
import { writeFolder } from "../support/model-folder.ts";
import { startModelServer } from "../support/model-server.ts";
import { axeFindings, PageVisits } from "../support/page-visit.ts";
import { pngOf } from "../support/png.ts";
import { CLASSIFIER_SIDE, classifierFiles, languageFiles, referenceClasses } from "../support/random-models.ts";
import { answers, ask, choose, ready, set, stats } from "../support/site-page.ts";

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

test.skipIf(!existsSync(`${projectRoot}/public/fovea-demo/model.safetensors`))(
  "the shipped model is loaded without a choice, says what it knows, and knows what it sees",
  async () => {
    page = await visits.open("");
    await page.getByText("it knows emoji scenes, not photographs").waitFor();
    // It answers nothing sensible without a picture.
    await question().fill("Hello");
    await page.getByText("Add a picture first.").waitFor();
    expect(await button("Send").isDisabled()).toBe(true);
    await page.getByRole("button", { name: "What do you see?" }).click();
    await stats(page).waitFor();
    expect(await answers(page).textContent()).toMatch(/dog/i);
    await answers(page).getByText("dog").click();
    await page.locator("app-picture-view").getByText("bright is where it looked").waitFor();
    await button("Get a real model").click();
    await page.getByRole("list", { name: "Models to try" }).getByText("SmolVLM-256M").waitFor();
    await page.context().close();
  },
);

test("fits a narrow phone, enlarged twice, in the dark; says what is missing", async () => {
  // 360 pixels enlarged twice are 180: the layout must not need more.
  page = await visits.open("?model=http://127.0.0.1:9/", {
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    colorScheme: "dark",
    reducedMotion: "reduce",
  });
  await page.getByRole("alert").filter({ hasText: "Check the connection and try again" }).waitFor();
  expect(await axeFindings(page)).toEqual([]);
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
  // Fingers need 44 pixels: in the form, and in the choice of models.
  await choose(page, `${projectRoot}/public/samples/harbour.webp`);
  await button("Remove harbour.webp").waitFor();
  expect(await page.evaluate(smallTargets)).toEqual([]);
  await button("Choose another model").click();
  await page.getByRole("list", { name: "Models to try" }).waitFor();
  expect(await page.evaluate(smallTargets)).toEqual([]);
  await button("Close").click();
  // A model that cannot be had leaves nobody without one.
  await button("Use fovea-demo").click();
  await ready(page);
  expect(await button("Use fovea-demo").count()).toBe(0);
  // The failed connection is the browser's own message.
  visits.complaints = visits.complaints.filter((text) => !/ERR_|Failed to load/.test(text));
  await page.context().close();
});

/**
 * Controls in the window that a finger misses: 21 pixels beside their middle there is something else. Words of an answer
 * are as high as the text. Runs in the page.
 */
function smallTargets(): string[] {
  const reach = 21;
  const found: Element[] = [];
  const look = (root: Document | ShadowRoot) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.matches("button, select, summary, textarea, input, a[href]")) found.push(element);
      if (element.shadowRoot) look(element.shadowRoot);
    }
  };
  look(document);
  const at = (x: number, y: number): Element | null => {
    let root: Document | ShadowRoot = document;
    for (;;) {
      const hit: Element | null = root.elementFromPoint(x, y);
      if (!hit?.shadowRoot || hit.shadowRoot === root) return hit;
      root = hit.shadowRoot;
    }
  };
  return found.flatMap((element) => {
    const target = element.closest("label") ?? element;
    target.scrollIntoView({ block: "center", inline: "center" });
    const { left, top, width, height } = target.getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    if (width === 0 || !target.checkVisibility() || !target.contains(at(x, y))) return [];
    const around = [
      [x - reach, y],
      [x + reach, y],
      [x, y - reach],
      [x, y + reach],
    ] as const;
    const isSmall = around.some(([x, y]) => !target.contains(at(x, y)));
    return isSmall
      ? [
          `${target.localName} ${target.getAttribute("aria-label") ?? target.textContent?.trim().slice(0, 30)}: ${width} x ${height}`,
        ]
      : [];
  });
}

describe("with other models", () => {
  test("a GGUF file and its vision file are dropped, checked and loaded", async () => {
    page = await visits.open("");
    const files = Object.entries(await ggufModel("internvl-qwen2-bf16")).map(([name, bytes]) => ({
      name,
      base64: Buffer.from(bytes as Uint8Array).toString("base64"),
    }));
    await page.locator("fovea-chat").waitFor();
    await page.evaluate((files) => {
      const dataTransfer = new DataTransfer();
      for (const { name, base64 } of files) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name));
      }
      const options = { dataTransfer, bubbles: true, composed: true, cancelable: true };
      const inner = document.querySelector("app-page")!.shadowRoot!.querySelector("fovea-chat")!;
      inner.dispatchEvent(new DragEvent("drop", options));
    }, files);
    await page.getByText(/^internvl, 0\.\d million parameters$/).waitFor();
    await button("Load").click();
    await page.waitForFunction(
      () => document.querySelector<PageElement>("app-page")?.app.store.state.model.info?.family === "internvl",
    );
    expect(await ask(page, "Hello")).not.toBe("");
    await page.context().close();
  });

  test("a browser without WebGPU is told what to do", async () => {
    const model = writeFolder(languageFiles());
    const plain = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox", "--disable-gpu"] });
    try {
      const without = await plain.newPage();
      without.setDefaultTimeout(240_000);
      await without.goto(visits.address);
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
      page = await visits.open(`?model=${models.origin}`);
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
