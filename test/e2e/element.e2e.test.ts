/** The built element from one script tag, in pages that know nothing of bundlers: beside the script, and on another origin. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { libraryFolder } from "../../tools/library.mjs";
import { chatFiles } from "../support/chat-files.ts";
import { startModelServer } from "../support/model-server.ts";

/** A red square of 8 x 8 pixels. */
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC",
  "base64",
);

type Server = Awaited<ReturnType<typeof startModelServer>>;

/** Folders behind two origins: one with the library, one with a model. Either may have the page. */
const libraries = mkdtempSync(join(tmpdir(), "fovea-element-"));
const models = mkdtempSync(join(tmpdir(), "fovea-element-"));
let libraryServer: Server;
let modelServer: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  symlinkSync(libraryFolder, join(libraries, "lib"), "junction");
  libraryServer = await startModelServer(libraries);
  modelServer = await startModelServer(models);
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterEach(() => page?.close());
afterAll(async () => {
  await browser?.close();
  libraryServer?.close();
  modelServer?.close();
  for (const folder of [libraries, models]) rmSync(folder, { recursive: true, force: true });
});

const script = () => `${libraryServer.origin}lib/element/define.js`;

/** Opens a page that has nothing but the tag and the element; gives what goes wrong in it, and what it fetches. */
async function open(folder: string, csp = ""): Promise<{ complaints: string[]; fetched: string[] }> {
  const complaints: string[] = [];
  const fetched: string[] = [];
  page = await browser.newPage();
  page.setDefaultTimeout(240_000);
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("request", (request) => fetched.push(request.url()));
  const body = `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">${csp}
    <script type="module" src="${script()}"></script>
    <h1>A page</h1><fovea-chat model="${modelServer.origin}" tokens="none"></fovea-chat></html>`;
  writeFileSync(join(folder, "page.html"), body);
  await page.goto(`${(folder === models ? modelServer : libraryServer).origin}page.html`);
  await page.getByText("Ask about a picture").first().waitFor();
  return { complaints, fetched };
}

test("downloads nothing but its script before it is asked to, under a strict policy", async () => {
  // No inline style, no eval, no HTML from text; only the addresses that it says it needs.
  const rules = `default-src 'none'; script-src ${libraryServer.origin}; img-src blob:; require-trusted-types-for 'script'`;
  const csp = `<meta http-equiv="Content-Security-Policy" content="${rules}">`;
  const { complaints, fetched } = await open(models, csp);
  await page.getByText("The model loads with your first question.").waitFor();
  await page.waitForTimeout(300);
  // The modules that it shares with what a server needs are a file of their own.
  const code = readFileSync(join(libraryFolder, "element/define.js"), "utf8");
  const beside = Array.from(code.matchAll(/from\s*"(\.\.\/[^"]+)"/g), ([, path]) => new URL(path!, script()).href);
  const own = (url: string) => !url.endsWith("page.html") && !url.startsWith("data:");
  expect(fetched.filter(own).sort()).toEqual([script(), ...new Set(beside)].sort());
  expect(beside.length).toBeLessThan(3);
  expect(complaints).toEqual([]);
});

describe("with a model", () => {
  beforeAll(async () => {
    for (const [name, bytes] of Object.entries(await chatFiles()))
      writeFileSync(join(models, name), bytes as Uint8Array);
  });

  test.for(["its own", "another"])(
    "answers in a page of %s origin, and frees its worker when it goes",
    async (place) => {
      const { complaints, fetched } = await open(place === "another" ? models : libraries);
      await page.evaluate(() => {
        const seen: string[] = [];
        Object.assign(globalThis, { seen });
        for (const name of ["fovea-ready", "fovea-done", "fovea-error"])
          document.addEventListener(name, (event) => {
            const { reason = "", error = "" } = (event as CustomEvent).detail;
            seen.push([name, reason, error].join(" ").trim());
          });
      });
      await page.locator('fovea-chat input[type="file"][multiple]').setInputFiles({
        name: "red.png",
        mimeType: "image/png",
        buffer: PICTURE,
      });
      await page.getByRole("textbox", { name: "Your question" }).fill("What is it?");
      await page.keyboard.press("Enter");
      // The weights are random, and so is the answer: its beginning is enough.
      await page.locator("fovea-chat [part=answer]").waitFor();
      await page.keyboard.press("Escape");
      await page.locator("fovea-chat [part=stats]").waitFor();
      expect(await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)).toEqual([
        "fovea-ready",
        expect.stringMatching(/^fovea-done (abort|stop|length)$/),
      ]);
      expect(await page.locator("fovea-chat [part=stats]").textContent()).toMatch(/image tokens · \d+ tokens in/);
      expect(page.workers()).toHaveLength(1);
      // The page, the script, the worker and the model; nothing because of the answer, which is random bytes.
      const known = [libraryServer.origin, modelServer.origin];
      expect(
        fetched.filter((url) => !/^(data|blob):/.test(url) && !known.some((start) => url.startsWith(start))),
      ).toEqual([]);
      await page.evaluate(() => document.querySelector("fovea-chat")!.remove());
      await expect.poll(() => page.workers().length).toBe(0);
      expect(complaints).toEqual([]);
    },
  );
});
