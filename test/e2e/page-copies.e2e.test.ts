/** A small copy of a model on the page: made, loaded, kept for the next visit, and the original deleted. */
import { randomBytes } from "node:crypto";
import type { Page } from "playwright";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Page as PageElement } from "../../src/app/parts/page.ts";
import { writeFolder } from "../support/model-folder.ts";
import { startModelServer } from "../support/model-server.ts";
import { axeFindings, PageVisits } from "../support/page-visit.ts";
import { languageFiles, QUESTION } from "../support/random-models.ts";
import { ask, ready } from "../support/site-page.ts";

let visits: PageVisits;
let page: Page;
const model = writeFolder({ ...languageFiles(), "README.md": randomBytes(8) });

beforeAll(async () => {
  visits = await PageVisits.start();
});
afterAll(async () => {
  model.remove();
  expect(await visits.end()).toBe(0);
});
afterEach(async () => {
  await page.context().close();
});

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });
const loaded = () =>
  page.evaluate(() => {
    const { source, info } = document.querySelector<PageElement>("app-page")!.app.store.state.model;
    return { source, weights: info?.weights };
  });

/** Loads the served model and opens the choice of models. */
async function visitModel(origin: string): Promise<void> {
  page = await visits.open(`?model=${origin}`);
  page.setDefaultTimeout(60_000);
  await ready(page);
  await button(/^Model: /).click();
}

test("a copy shows both sizes, is the next visit's model, and outlives its original", async () => {
  const models = await startModelServer(model.folder);
  await visitModel(models.origin);
  await button(/^Keep a small copy of .* in 4 bits$/).click();
  const done = page.locator("app-small-copy").getByText(/became/);
  expect(await done.textContent()).toMatch(/: \d+\.\d [kM]B became \d+\.\d [kM]B\. The original is still stored\./);
  expect(await axeFindings(page)).toEqual([]);
  const stored = page.locator("app-stored-models li");
  // The list is read from disk after the copy is done.
  await stored.nth(1).waitFor();
  expect(await stored.allTextContents()).toEqual([
    expect.stringContaining(models.origin),
    expect.stringMatching(/, 4 bits.* a small copy/),
  ]);
  await button("Load the copy").click();
  const source = `copy-q4:${models.origin}`;
  await page.waitForFunction((source) => {
    const { model } = document.querySelector<PageElement>("app-page")!.app.store.state;
    return model.source === source && model.info !== undefined;
  }, source);
  expect(await loaded()).toEqual({ source, weights: "int4 g32" });
  const answer = await ask(page, QUESTION);
  await button(/^Model: /).click();
  await button("Delete the original").click();
  await page
    .locator("app-small-copy")
    .getByText(/became [^.]+\.\d [kM]B\.\s*$/)
    .waitFor();
  await page.waitForFunction(() => {
    const panel = document.querySelector("app-page")!.shadowRoot!.querySelector("app-models")!.shadowRoot!;
    return panel.querySelector("app-stored-models")!.shadowRoot!.querySelectorAll("li").length === 1;
  });
  // Nobody serves the original any more.
  models.close();
  await page.goto(visits.address);
  await ready(page);
  expect(await loaded()).toEqual({ source, weights: "int4 g32" });
  // The conversation is kept some time after its last change, and that time may not have passed.
  if (await button("New conversation").isVisible()) await button("New conversation").click();
  expect(await ask(page, QUESTION)).toBe(answer);
  // A look at the server that is gone tells of itself.
  expect(visits.complaints.filter((text) => !/ERR_CONNECTION_REFUSED/.test(text))).toEqual([]);
});

test("the next visit loads a copy that was only made; without room nothing changes", async () => {
  const models = await startModelServer(model.folder);
  try {
    await visitModel(models.origin);
    const browser = await page.context().newCDPSession(page);
    const { origin } = new URL(visits.address);
    const used = async () => (await browser.send("Storage.getUsageAndQuota", { origin })).usage;
    // The browser counts what was just stored a little later.
    let usage = await used();
    for (let before = -1; before !== usage || usage === 0; ) {
      before = usage;
      await page.waitForTimeout(1000);
      usage = await used();
    }
    await browser.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 20_000 });
    await button(/^Keep a small copy of .* in 8 bits$/).click();
    await page
      .getByRole("alert")
      .filter({ hasText: /no room to store copy-q8:/i })
      .waitFor();
    expect(await page.locator("app-stored-models li").count()).toBe(1);
    await browser.send("Storage.overrideQuotaForOrigin", { origin });
    await button(/^Keep a small copy of .* in 8 bits$/).click();
    await page
      .locator("app-small-copy")
      .getByText(/became/)
      .waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await ask(page, QUESTION);
    // The conversation is kept some time after its last change.
    await page.waitForTimeout(1500);
    await page.goto(visits.address);
    await ready(page);
    expect(await loaded()).toEqual({ source: `copy-q8:${models.origin}`, weights: "int8 g32" });
  } finally {
    models.close();
  }
});
