/**
 * How the demo page gets its model when something is in the way: broken connections, pauses, wrong bytes, no room, a hub
 * that asks for a token. With the shipped model, whose hashes are published, on a server that fails when it is told to.
 */
import { existsSync, readFileSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page, type Route } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { siteFolder } from "../../tools/build.mjs";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { projectRoot } from "../support/command.ts";
import { HUB_TOKEN, startHub } from "../support/hub-server.ts";
import { languageFiles } from "../support/random-models.ts";
import { ready } from "../support/site-page.ts";
import { type SiteServer, startSite } from "../support/site-server.ts";

const PART_BYTES = 4 << 20;
/** A file's beginning, which is asked for to see what the server does with ranges. */
const PREFIX_BYTES = 64 << 10;
const HUB = "https://huggingface.co/";

let site: SiteServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  site = await startSite(siteFolder);
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterEach(async () => {
  await context?.close();
  Object.assign(site, { stallsAtBytes: Number.POSITIVE_INFINITY, isFalse: false });
});
afterAll(async () => {
  await browser?.close();
  site?.close();
});

/** A page of a browser that knows nothing yet. */
async function visit(query = ""): Promise<void> {
  context = await browser.newContext({ serviceWorkers: "block" });
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(site.address + query);
}

const button = (name: string) => page.getByRole("button", { name, exact: true });
const alert = (text: string | RegExp) => page.getByRole("alert").filter({ hasText: text });

const weights = `${projectRoot}/public/fovea-demo/model.safetensors`;
const totalBytes = existsSync(weights) ? readFileSync(weights).length : 0;

test("a download outlives a broken connection, is paused, and goes on where it was; a changed part is fetched again", async () => {
  const begin = site.servedBytes;
  Object.assign(site, { breaksAtBytes: begin + 1_500_000, stallsAtBytes: begin + 6_900_000 });
  await visit();
  // All that was sent before the connection broke may have to be sent again: a stream that fails drops what is not read yet.
  await page.getByText(/^Loading the model: [56]\.\d MB of 7\.\d MB/).waitFor();
  expect(site.breaksAtBytes).toBe(Number.POSITIVE_INFINITY);

  await button("Pause").click();
  await page.getByText(/^Paused at [56]\.\d MB of 7\.\d MB\. Downloaded parts are kept\.$/).waitFor();
  const paused = site.servedBytes;
  site.stallsAtBytes = Number.POSITIVE_INFINITY;
  await button("Resume").click();
  await ready(page);
  // The part that was half there is fetched again.
  expect(site.servedBytes - paused).toBeLessThanOrEqual(totalBytes - PART_BYTES + PREFIX_BYTES);

  const kept = site.servedBytes;
  expect(await page.evaluate(changeLargestFile)).toBeGreaterThan(3_000_000);
  await page.reload();
  await ready(page);
  expect(site.servedBytes - kept).toBeGreaterThan(3_000_000);
  expect(site.servedBytes - kept).toBeLessThanOrEqual(PART_BYTES + PREFIX_BYTES);
});

test("a question waits for the model; stopped, it stays where it can be asked again, and the download is kept", async () => {
  site.stallsAtBytes = site.servedBytes + 4_500_000;
  await visit();
  await page.getByText(/^Loading the model: 4\.\d MB of 7\.\d MB/).waitFor();
  await page.getByRole("button", { name: "What do you see?" }).click();
  await page.getByText("Waiting for the model").waitFor();
  await button("Stop").click();
  await page.getByText("Stopped.", { exact: true }).waitFor();
  await page.getByText(/^Paused at 4\.\d MB of 7\.\d MB/).waitFor();
  await page.getByRole("button", { name: /^Model/ }).click();
  await button("Resume fovea-demo").waitFor();
  await expect.poll(() => page.workers().length).toBe(0);
  // What is saved a while after an answer needs a loaded model, and must not load one.
  await page.waitForTimeout(2000);
  expect(page.workers()).toEqual([]);
  await button("Close").click();
  site.stallsAtBytes = Number.POSITIVE_INFINITY;
  await button("Ask again").click();
  await page.locator("fovea-chat [part=stats]").waitFor();
});

test("weights that are not the published ones are fetched again, and never used", async () => {
  site.isFalse = true;
  const begin = site.servedBytes;
  await visit();
  await alert(/model\.safetensors: its hash is [0-9a-f]{64}, expected [0-9a-f]{64}/).waitFor();
  expect(site.servedBytes - begin).toBeGreaterThanOrEqual(2 * totalBytes);
  site.isFalse = false;
  await button("Try again").click();
  await ready(page);
});

test("an address that cannot be loaded is not tried at the next visit", async () => {
  await visit("?model=http://127.0.0.1:9/");
  await alert(/127\.0\.0\.1:9/).waitFor();
  // What the page keeps is written some time after its last change.
  await page.waitForTimeout(1500);
  await page.goto(site.address);
  await ready(page);
});

test("without room for it on disk a model is loaded once, without being stored, and the page says so", async () => {
  const begin = site.servedBytes;
  context = await browser.newContext({ serviceWorkers: "block" });
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
  // Chromium tells every page of ten gigabytes, whatever it gives: other browsers' answer, in front of the worker's script.
  await context.route(/fovea-worker/, async (route) => {
    const response = await route.fetch();
    const estimate = "navigator.storage.estimate = async () => ({ quota: 3_000_000, usage: 500_000 });";
    await route.fulfill({ response, body: `${estimate}\n${await response.text()}` });
  });
  await page.goto(site.address);
  await alert(
    /^No room to store fovea-demo: it needs 7\.\d MB more, 2\.5 MB of this site's 3\.0 MB are free/i,
  ).waitFor();
  expect(await alert("It is loaded without being stored.").count()).toBe(1);
  await ready(page);
  expect(site.servedBytes - begin).toBeLessThanOrEqual(totalBytes + PREFIX_BYTES);
});

describe("a gated model of a hub", () => {
  test("is opened with a token that is typed on the page, and stored nowhere", async () => {
    const hub = await startHub(languageFiles(), { access: "gated" });
    try {
      await visit("?model=http://127.0.0.1:9/");
      await context.route(`${HUB}**`, (route) => passOn(route, hub.url));
      await page.getByRole("button", { name: /^Model/ }).click();
      await page.getByLabel(/^Another model/).fill("hf:someone/tiny");
      await button("Check").click();
      await alert(/accept the model's licence at .* and pass your access token/).waitFor();
      await page.getByLabel("Access token, for gated models").fill(HUB_TOKEN);
      await button("Check").click();
      await page.getByText("1.1 MB to download").waitFor();
      await button("Download and load").click();
      await ready(page);
      await page.locator("[title^='llama, 0.3 million parameters']").waitFor();

      const asked = hub.requests.filter(({ origin }) => origin === "hub");
      expect(asked.some(({ authorization }) => authorization === `Bearer ${HUB_TOKEN}`)).toBe(true);
      const elsewhere = hub.requests.filter(({ origin }) => origin === "cdn");
      expect(elsewhere.length).toBeGreaterThan(0);
      expect(elsewhere.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
      const kept = await page.evaluate(everythingKept);
      // Nothing can be missed in what was not looked at.
      expect(kept).toContain("hf:someone/tiny");
      expect(kept).not.toContain(HUB_TOKEN);
      expect(JSON.stringify(await context.storageState())).not.toContain(HUB_TOKEN);
      await page.reload();
      await page.getByRole("button", { name: /^Model/ }).click();
      await page.getByLabel(/^Another model/).fill("hf:someone/tiny");
      expect(await page.getByLabel("Access token, for gated models").inputValue()).toBe("");
    } finally {
      await hub.close();
    }
  });
});

/** Has a request to the public hub answered by one of our own. */
async function passOn(route: Route, url: string): Promise<void> {
  const request = route.request();
  const address = request.url().replace(HUB, url);
  const answer = await fetch(address, { headers: await request.allHeaders(), redirect: "manual" });
  // Lengths are those of what was unpacked here.
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => name !== "transfer-encoding"));
  await route.fulfill({ status: answer.status, headers, body: Buffer.from(await answer.arrayBuffer()) });
}

/** Runs in the page: changes a byte in the middle of the largest file that is kept. Gives the file's length. */
async function changeLargestFile(): Promise<number> {
  let largest: { handle: FileSystemFileHandle; file: File } | undefined;
  const visitFolder = async (folder: FileSystemDirectoryHandle): Promise<void> => {
    for await (const handle of folder.values()) {
      if (handle.kind === "directory") await visitFolder(handle as FileSystemDirectoryHandle);
      else {
        const file = await (handle as FileSystemFileHandle).getFile();
        if (file.size > (largest?.file.size ?? 0)) largest = { handle: handle as FileSystemFileHandle, file };
      }
    }
  };
  await visitFolder(await navigator.storage.getDirectory());
  if (!largest) return 0;
  const bytes = new Uint8Array(await largest.file.arrayBuffer());
  bytes[bytes.length >> 1]! ^= 1;
  const writable = await largest.handle.createWritable();
  await writable.write(bytes);
  await writable.close();
  return bytes.length;
}

/** Runs in the page: all text that it keeps anywhere, its address and its history included. */
async function everythingKept(): Promise<string> {
  const found = [location.href, JSON.stringify(history.state), document.cookie];
  found.push(JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }));
  found.push(JSON.stringify(await indexedDB.databases()));
  for (const name of await caches.keys())
    for (const request of await (await caches.open(name)).keys()) found.push(request.url);
  const visitFolder = async (folder: FileSystemDirectoryHandle): Promise<void> => {
    for await (const handle of folder.values()) {
      found.push(handle.name);
      if (handle.kind === "directory") await visitFolder(handle as FileSystemDirectoryHandle);
      else found.push(await (await (handle as FileSystemFileHandle).getFile()).text());
    }
  };
  await visitFolder(await navigator.storage.getDirectory());
  return found.join("\n");
}
