/** The benchmark's page as it is built and served: it gets to its end, tells units, and hands out what it found. */
import { readFileSync } from "node:fs";
import { type Browser, chromium } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PartResult } from "../../bench/parts/result.ts";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { type Running, startCommand } from "../support/command.ts";

let server: Running;
let browser: Browser;

beforeAll(async () => {
  server = startCommand("start", []);
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterAll(async () => {
  await browser?.close();
  server.process.kill("SIGINT");
  await server.ended;
});

test("measures every part in tiny sizes, and saves it", async () => {
  const [address] = await server.said(/http:\S+/);
  // The narrowest phone.
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
  page.setDefaultTimeout(240_000);
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(`${address}bench.html?size=tiny`);
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByText("Done.").waitFor();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);

  const downloaded = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save as JSON" }).click();
  const json = JSON.parse(readFileSync(await (await downloaded).path(), "utf8"));
  expect(json).toMatchObject({ date: expect.stringMatching(/^\d{4}-/), userAgent: expect.stringContaining("Chrome") });
  const parts: PartResult[] = json.parts;
  expect(parts.map(({ part }) => part)).toEqual(["kernels", "vision", "decoder"]);
  for (const { adapter, software, size, figures, features } of parts) {
    expect(adapter).not.toBe("");
    expect(features).toBeInstanceOf(Array);
    expect([software, size]).toEqual([true, "tiny"]);
    expect(figures.length).toBeGreaterThan(5);
    for (const { id, value, unit } of figures) {
      expect(Number.isFinite(value) && value >= 0, `${id} is ${value}`).toBe(true);
      expect(unit, id).not.toBe("");
    }
  }
  // What does not depend on time.
  const exact = Object.fromEntries(parts.flatMap(({ figures }) => figures.map(({ id, value }) => [id, value])));
  expect(exact).toMatchObject({ submits: 1, "dispatches.gpu": 5 });
  expect(complaints).toEqual([]);
});
