/** The built library in tabs of one browser, with a hub on other origins: one download for all, tokens, resuming, offline. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { StoredModel } from "../../src/shared/stored-model.ts";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { LIBRARY_ADDRESS, libraryPaths } from "../../tools/library-page.mjs";
import { serve } from "../../tools/serve.mjs";
import { HUB_TOKEN, type HubServer, startHub } from "../support/hub-server.ts";
import { languageFiles } from "../support/random-models.ts";

const SOURCE = "hf:someone/tiny";
const MIB = 1 << 20;

let server: Awaited<ReturnType<typeof serve>>;
let browser: Browser;
let context: BrowserContext;
let hub: HubServer | undefined;

beforeAll(async () => {
  server = await serve(libraryPaths());
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(async () => {
  await context.close();
  await hub?.close();
  hub = undefined;
});

const totalOf = (files: Record<string, Uint8Array>) =>
  Object.values(files).reduce((sum, { length }) => sum + length, 0);

async function openTab(): Promise<Page> {
  const page = await context.newPage();
  await open(page);
  return page;
}

/** Opens the page, or opens it again. */
async function open(page: Page): Promise<void> {
  await page.goto(server.origin);
  const content = `import * as library from ${JSON.stringify(LIBRARY_ADDRESS)}; window.library = library;`;
  await page.addScriptTag({ type: "module", content });
  await page.waitForFunction(() => "library" in window, undefined, { timeout: 120_000 });
}

type Library = typeof import("../../src/index.ts");

/** Loads the hub's model; gives what it is, or the error. */
function load(page: Page, hubToken?: string): Promise<string> {
  const options = { maxContext: 64, hubUrl: hub!.url, ...(hubToken && { hubToken }) };
  return page.evaluate(
    async ([source, options]) => {
      const { Fovea } = Reflect.get(window, "library") as Library;
      try {
        const fovea = await Fovea.load(source, options);
        fovea.dispose();
        return fovea.info.family;
      } catch (error) {
        return String(error);
      }
    },
    [SOURCE, options] as const,
  );
}

function stored(page: Page): Promise<StoredModel[]> {
  return page.evaluate(() => (Reflect.get(window, "library") as Library).storedModels());
}

describe("a model of a hub", () => {
  test("is downloaded once for two tabs, its token stays with the hub, and then loads without a network", async () => {
    const files = languageFiles();
    hub = await startHub(files, { access: "gated" });
    const { requests, url, cdnUrl } = hub;
    const tabs = await Promise.all([openTab(), openTab()]);
    expect(await load(tabs[0]!)).toMatch(/accept the model's licence at .*hubToken/);
    expect(await Promise.all(tabs.map((tab) => load(tab, HUB_TOKEN)))).toEqual(["llama", "llama"]);
    expect(url).not.toBe(cdnUrl);
    const large = requests.filter(({ origin }) => origin === "cdn");
    // The browser does not send it where the hub's answer leads to.
    expect(large.length).toBeGreaterThan(0);
    expect(large.map(({ authorization }) => authorization)).toEqual(large.map(() => undefined));
    const total = totalOf(files);
    // A file's beginning comes with its first request, and what follows it with the next.
    expect(hub!.servedBytes).toBeLessThanOrEqual(total);
    expect(await stored(tabs[0]!)).toMatchObject([{ source: SOURCE, complete: true, bytes: total }]);
    expect(JSON.stringify(await stored(tabs[0]!))).not.toContain(HUB_TOKEN);

    await hub!.close();
    await open(tabs[1]!);
    expect(await load(tabs[1]!)).toBe("llama");
  });

  test("goes on where it was when the tab was closed", async () => {
    // Weights of 11 MB: two parts of 4 MiB and the beginning of a third.
    const files = languageFiles(40_000);
    hub = await startHub(files);
    hub.stallsAfterBytes = 9 * MIB;
    const first = await openTab();
    void load(first).catch(() => {});
    await expect.poll(async () => (await stored(first))[0]?.bytes ?? 0, { timeout: 120_000 }).toBeGreaterThan(8 * MIB);
    await first.close();
    hub.stallsAfterBytes = Number.POSITIVE_INFINITY;
    const before = hub.servedBytes;
    const second = await openTab();
    expect(await load(second)).toBe("llama");
    const total = totalOf(files);
    // The second of two parts may have been half written. The file's beginning is asked for again, to see what the server
    // does with ranges.
    expect(hub.servedBytes - before).toBeLessThanOrEqual(total - 4 * MIB + (64 << 10));
    expect(await stored(second)).toMatchObject([{ complete: true, bytes: total }]);
  });
});
