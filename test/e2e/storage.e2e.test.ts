/** The built library in tabs of one browser, with a hub on other origins: one download for all, tokens, resuming, offline. */
import { readFileSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { StoredModel } from "../../src/shared/stored-model.ts";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { ensureLibrary } from "../../tools/library.mjs";
import { LIBRARY_ADDRESS, libraryPaths } from "../../tools/library-page.mjs";
import { serve } from "../../tools/serve.mjs";
import { projectRoot } from "../support/command.ts";
import { HUB_TOKEN, type HubOptions, type HubServer, startHub } from "../support/hub-server.ts";
import { describeShared } from "../support/shared.ts";

const real = `${projectRoot}/../shared/real`;
const SOURCE = "hf:someone/tiny";
const MIB = 1 << 20;

let server: Awaited<ReturnType<typeof serve>>;
let browser: Browser;
let context: BrowserContext;
let hub: HubServer | undefined;

beforeAll(async () => {
  await ensureLibrary();
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

async function publish(folder: string, names: string[], options: HubOptions = {}): Promise<HubServer> {
  const files = names.map((name) => [name, readFileSync(`${real}/${folder}/${name}`)] as const);
  hub = await startHub(Object.fromEntries(files), options);
  return hub;
}

async function openTab(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.origin);
  return page;
}

/** Loads the hub's model; gives what it is, or the error. */
function load(page: Page, hubToken?: string): Promise<string> {
  const request = { library: LIBRARY_ADDRESS, source: SOURCE, hubUrl: hub!.url, hubToken };
  return page.evaluate(async ({ library, source, hubToken, ...options }) => {
    const { Fovea }: typeof import("../../src/index.ts") = await import(library);
    try {
      using fovea = await Fovea.load(source, { maxContext: 64, ...options, ...(hubToken && { hubToken }) });
      return fovea.info.modelType;
    } catch (error) {
      return String(error);
    }
  }, request);
}

function stored(page: Page): Promise<StoredModel[]> {
  return page.evaluate(async (library) => {
    const { storedModels }: typeof import("../../src/index.ts") = await import(library);
    return storedModels();
  }, LIBRARY_ADDRESS);
}

describeShared("a model of a hub", () => {
  test("is downloaded once for two tabs, its token stays with the hub, and then loads without a network", async () => {
    const names = ["config.json", "model.safetensors", "tokenizer.json"];
    const { requests, ...served } = await publish("stories260K", names, { access: "gated" });
    const tabs = await Promise.all([openTab(), openTab()]);
    expect(await load(tabs[0]!)).toMatch(/accept the model's licence at .*hubToken/);
    expect(await Promise.all(tabs.map((tab) => load(tab, HUB_TOKEN)))).toEqual(["llama", "llama"]);
    expect(served.url).not.toBe(served.cdnUrl);
    const large = requests.filter(({ origin }) => origin === "cdn");
    // The browser does not send it where the hub's answer leads to.
    expect(large.length).toBeGreaterThan(0);
    expect(large.map(({ authorization }) => authorization)).toEqual(large.map(() => undefined));
    const total = names.reduce((sum, name) => sum + readFileSync(`${real}/stories260K/${name}`).length, 0);
    // A file's beginning comes with its first request, and what follows it with the next.
    expect(hub!.servedBytes).toBeLessThanOrEqual(total);
    expect(await stored(tabs[0]!)).toMatchObject([{ source: SOURCE, complete: true, bytes: total }]);
    expect(JSON.stringify(await stored(tabs[0]!))).not.toContain(HUB_TOKEN);

    await hub!.close();
    await tabs[1]!.reload();
    expect(await load(tabs[1]!)).toBe("llama");
  });

  test("goes on where it was when the tab was closed", async () => {
    const names = ["config.json", "model.safetensors", "preprocessor_config.json"];
    await publish("vit-tiny", names);
    hub!.stallsAfterBytes = 11 * MIB;
    const first = await openTab();
    void load(first).catch(() => {});
    await expect.poll(async () => (await stored(first))[0]?.bytes ?? 0, { timeout: 120_000 }).toBeGreaterThan(8 * MIB);
    await first.close();
    hub!.stallsAfterBytes = Number.POSITIVE_INFINITY;
    const before = hub!.servedBytes;
    const second = await openTab();
    expect(await load(second)).toBe("vit");
    const total = names.reduce((sum, name) => sum + readFileSync(`${real}/vit-tiny/${name}`).length, 0);
    // Two parts of 4 MiB were whole; the file's beginning is asked for again, to see what the server does with ranges.
    expect(hub!.servedBytes - before).toBeLessThanOrEqual(total - 8 * MIB + (64 << 10));
    expect(await stored(second)).toMatchObject([{ complete: true, bytes: total }]);
  });
});
