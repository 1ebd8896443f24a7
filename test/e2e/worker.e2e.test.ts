/** The built entry `fovea/worker` in real pages: policies, origins, a smooth page, several tabs, and dead workers. */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type JSHandle, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RemoteFovea } from "../../src/worker/index.ts";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { libraryFolder } from "../../tools/library.mjs";
import { serve } from "../../tools/serve.mjs";
import { type WrittenFolder, writeFolder } from "../support/model-folder.ts";
import { startModelServer } from "../support/model-server.ts";
import { expectAnswer, languageFiles } from "../support/random-models.ts";

const LONG_TASK_MS = 50;
/** Answers that may be asked for one without a long task: a machine that is busy with other things stops pages too. */
const TRIES = 4;

declare global {
  interface Window {
    /** What the code in the pages keeps between two steps of a test. */
    kept: { fovea: RemoteFovea; waits: boolean[]; text: string; outcome: Promise<unknown> };
  }
}

/** A page with this policy for workers, which loads no other code than that of its own origin. */
const pageWith = (workers: string) => ({
  text: `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'; worker-src ${workers}; connect-src http:"><link rel="icon" href="data:,">`,
  type: "text/html; charset=utf-8",
});

let server: Awaited<ReturnType<typeof serve>>;
let model: WrittenFolder;
let models: Awaited<ReturnType<typeof startModelServer>>;
let elsewhere: Awaited<ReturnType<typeof startModelServer>>;
let browser: Browser;
let context: BrowserContext;
/** The library without its worker's script. */
const partial = mkdtempSync(join(tmpdir(), "fovea-partial-"));

beforeAll(async () => {
  for (const file of readdirSync(libraryFolder))
    if (file.endsWith(".js") && file !== "fovea-worker.js")
      copyFileSync(join(libraryFolder, file), join(partial, file));
  server = await serve({
    "/lib/": { folder: libraryFolder },
    "/partial/": { folder: partial },
    "/strict": pageWith("'self'"),
    "/forbidden": pageWith("'none'"),
    "/free": { text: '<!doctype html><link rel="icon" href="data:,">', type: "text/html; charset=utf-8" },
  });
  model = writeFolder(languageFiles());
  models = await startModelServer(model.folder);
  elsewhere = await startModelServer(libraryFolder);
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterAll(async () => {
  await browser?.close();
  for (const one of [server, models, elsewhere]) one?.close();
  model?.remove();
  rmSync(partial, { recursive: true });
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

async function open(path: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(240_000);
  await page.goto(`${server.origin}${path}`);
  return page;
}

/** Loads the model in a page by the library at an address; "loaded", or the error's code and message. */
async function load(page: Page, library = `${server.origin}/lib/worker.js`): Promise<string> {
  // As text, which the test runner leaves alone.
  const module: JSHandle<typeof import("../../src/worker/index.ts")> = await page.evaluateHandle(
    `import("${library}")`,
  );
  return page.evaluate(
    async ({ module, model }) => {
      const waits: boolean[] = [];
      try {
        const onWait = (waiting: boolean) => waits.push(waiting);
        const fovea = await module.createFovea(model, { cache: "none", maxContext: 256, onWait });
        window.kept = { fovea, waits, text: "", outcome: Promise.resolve() };
        return "loaded";
      } catch (error) {
        const { code, message } = error as Error & { code: string };
        return `${code}: ${message}`;
      }
    },
    { module, model: models.origin },
  );
}

/** Starts an answer in a page, and returns as soon as it has text. */
function begin(page: Page, maxTokens: number): Promise<void> {
  return page.evaluate((maxTokens) => {
    const messages = [{ role: "user" as const, content: "Once upon a time" }];
    window.kept.text = "";
    return new Promise<void>((resolve) => {
      const read = async () => {
        for await (const event of window.kept.fovea.generate({ messages, maxTokens })) {
          if (event.type === "text") window.kept.text += event.text;
          if (event.type === "text") resolve();
        }
      };
      window.kept.outcome = read().then(
        () => "done",
        (error) => error.code,
      );
    });
  }, maxTokens);
}

const outcome = (page: Page) => page.evaluate(() => window.kept.outcome);

test.for([
  ["a page that forbids workers", "/forbidden", "/lib/"],
  ["a folder without the script", "/free", "/partial/"],
])("%s: one clear error", async ([, path, folder]) => {
  const page = await open(path!);
  expect(await load(page, `${server.origin}${folder}worker.js`)).toMatch(
    /^download-failed: the engine's worker (could not start|may not start here)/,
  );
});

describe("with a model", () => {
  test("answers under the policy worker-src 'self', and the page stays smooth", async () => {
    const page = await open("/strict");
    expect(await load(page)).toBe("loaded");
    const longest = () =>
      page.evaluate(async () => {
        const tasks: number[] = [];
        const observer = new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) tasks.push(duration);
        });
        observer.observe({ type: "longtask" });
        const out = document.body.appendChild(document.createElement("p"));
        const messages = [{ role: "user" as const, content: "Once upon a time" }];
        for await (const event of window.kept.fovea.generate({ messages, maxTokens: 60 }))
          if (event.type === "text") out.append(event.text);
        for (const { duration } of observer.takeRecords()) tasks.push(duration);
        observer.disconnect();
        return { text: out.textContent, longest: Math.max(0, ...tasks) };
      });
    const seen: number[] = [];
    while (seen.length < TRIES && !(seen.at(-1)! < LONG_TASK_MS)) {
      const answer = await longest();
      expectAnswer(answer.text);
      seen.push(answer.longest);
    }
    expect(seen.at(-1), `longest tasks of ${seen.length} answers: ${seen}`).toBeLessThan(LONG_TASK_MS);
    await page.evaluate(() => window.kept.fovea.dispose());
    await expect.poll(() => page.workers().length).toBe(0);
  });

  test("runs from another origin's address, as from a content network", async () => {
    const page = await open("/free");
    expect(await load(page, `${elsewhere.origin}worker.js`)).toBe("loaded");
    await begin(page, 6);
    expect(await outcome(page)).toBe("done");
    expectAnswer(await page.evaluate(() => window.kept.text));
  });

  test("tabs take turns, are told, and outlive each other", async () => {
    const [first, second] = [await open("/strict"), await open("/strict")];
    expect([await load(first), await load(second)]).toEqual(["loaded", "loaded"]);
    await begin(first, 240);
    const waited = begin(second, 5);
    await expect.poll(() => second.evaluate(() => window.kept.waits)).toEqual([true]);
    expect(await second.evaluate(() => window.kept.text)).toBe("");
    expect(await outcome(first)).toBe("done");
    await waited;
    expect(await outcome(second)).toBe("done");
    expect(await second.evaluate(() => window.kept.waits)).toEqual([true, false]);
    expect(await first.evaluate(() => window.kept.waits)).toEqual([]);

    await begin(first, 200);
    const orphaned = begin(second, 5);
    await expect.poll(() => second.evaluate(() => window.kept.waits.length)).toBe(3);
    await first.close();
    await orphaned;
    expect(await outcome(second)).toBe("done");
  });

  test("a worker that dies without a word is noticed", async () => {
    const page = await open("/strict");
    expect(await load(page)).toBe("loaded");
    await begin(page, 200);
    await page.workers()[0]!.evaluate(() => self.close());
    expect(await outcome(page)).toBe("device-lost");
    const again = page.evaluate(() => window.kept.fovea.inspect({ inputIds: [1] }).catch(({ message }) => message));
    expect(await again).toMatch(/^the engine's worker died \(it ended\); load the model again/);
  });
});
