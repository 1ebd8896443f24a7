/**
 * What may happen on the demo page while it answers: pictures from everywhere, several of them and turns, a stop in every
 * phase, a lost GPU, another tab, and a page that stays smooth throughout. Around a tiny model whose answers mean nothing.
 */
import { readFileSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { siteFolder } from "../../tools/build.mjs";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { serve } from "../../tools/serve.mjs";
import { projectRoot } from "../support/command.ts";
import { writeChatFolder } from "../support/model-folder.ts";
import { startModelServer } from "../support/model-server.ts";
import { ask as answer, answers, choose, details, ready, send, set, stats } from "../support/site-page.ts";

/** A camera that shows a test pattern, and nobody who has to be asked. */
const CAMERA_FLAGS = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
const LONG_TASK_MS = 50;
const PICTURE = `${projectRoot}/public/samples/harbour.webp`;

declare global {
  /** In the worker: labels of the GPU's work, in their order, and how to let go of what is held. */
  var gpuWork: { labels: string[]; isHeld: boolean; go: () => void };
}

let site: Awaited<ReturnType<typeof serve>>;
let browser: Browser;

beforeAll(async () => {
  site = await serve({ "/": { folder: siteFolder } });
  const args = [...CHROMIUM_FLAGS, ...CAMERA_FLAGS];
  browser = await chromium.launch({ executablePath: findChromium(), args, timeout: 120_000 });
});
afterAll(async () => {
  await browser?.close();
  site?.close();
});

describe("a page with the tiny model", () => {
  let chat: Awaited<ReturnType<typeof writeChatFolder>>;
  let models: Awaited<ReturnType<typeof startModelServer>>;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    chat = await writeChatFolder();
    models = await startModelServer(chat.folder);
    context = await browser.newContext({ serviceWorkers: "block", permissions: ["clipboard-read", "clipboard-write"] });
    page = await open();
  });
  afterAll(async () => {
    await context?.close();
    models?.close();
    chat?.remove();
  });

  async function open(): Promise<Page> {
    const opened = await context.newPage();
    opened.setDefaultTimeout(120_000);
    await opened.goto(`${site.origin}/?model=${models.origin}`);
    await ready(opened);
    return opened;
  }

  const button = (name: string | RegExp, on = page) => on.getByRole("button", { name, exact: true });
  test("pictures come by drop, paste, file and camera, and go into one question", async () => {
    const dropped = await page.evaluateHandle(
      (bytes) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "dropped.webp", { type: "image/webp" }));
        return data;
      },
      [...readFileSync(PICTURE)],
    );
    // Anywhere on the page.
    await page.dispatchEvent("app-page header", "dragover", { dataTransfer: dropped });
    await page.getByText("Drop to ask about it").waitFor();
    await page.dispatchEvent("app-page header", "drop", { dataTransfer: dropped });
    await button("Remove dropped.webp").waitFor();
    expect(await page.getByText("Drop to ask about it").count()).toBe(0);

    // Through the system's clipboard, which has pictures as PNG.
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(40, 30);
      canvas.getContext("2d")!.fillRect(5, 5, 20, 20);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": await canvas.convertToBlob() })]);
    });
    await page.getByLabel("Your question").focus();
    await page.keyboard.press("Control+v");
    await button("Remove image.png").waitFor();

    await choose(page, PICTURE);
    await button("Remove harbour.webp").waitFor();

    await button("More ways to add a picture").click();
    await button("Camera").click();
    await button("Take the photo").click();
    await button("Remove Photo.jpg").waitFor();
    expect(await page.locator("app-camera").count()).toBe(0);

    // All tokens of five pictures are more than the tiny model's context.
    await set(page, { maxTokens: 4, budget: 0.5 });
    await answer(page, "What are they?");
    expect(await stats(page).last().textContent()).toMatch(/^128 of 256 image tokens/);
  });

  test("the next turn has its own picture, and all those before it", async () => {
    await choose(page, PICTURE);
    await answer(page, "And this one?");
    expect(await stats(page).last().textContent()).toMatch(/^160 of 320 image tokens/);
    expect(await details(page)).toMatch(/Image tokens\s*160 of 320/);
    const shown = page.getByRole("group", { name: "Pictures of this answer" }).getByRole("button");
    expect(await shown.allTextContents()).toHaveLength(5);
    expect(await shown.last().getAttribute("aria-pressed")).toBe("true");
    await shown.first().click();
    await page.getByRole("img", { name: /^dropped\.webp/ }).waitFor();
    await answer(page, "Are you sure?");
    expect(await stats(page).last().textContent()).toMatch(/^160 of 320 image tokens/);
    await button("New conversation").click();
  });

  test("the camera answers live, with a pause, until the page is hidden", async () => {
    await set(page, { maxTokens: 4, budget: 0.5 });
    await button("More ways to add a picture").click();
    await button("Camera").click();
    const camera = page.locator("app-camera");
    await button("Ask live").click();
    // A busy machine may miss the time of one answer, not that of all.
    await camera.getByText(/^Answer ([2-9]|\d\d+), in/).waitFor();
    // Answers of the camera are no turns of the conversation.
    const turns = await answers(page).count();
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await camera.getByText("Stopped, because the page was hidden.").waitFor();
    expect(await camera.locator("video").evaluate((video: HTMLVideoElement) => video.srcObject)).toBe(null);
    await page.evaluate(() => {
      Reflect.deleteProperty(document, "hidden");
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await button("Ask live").and(page.locator(":enabled")).waitFor();
    // The inspector has a button of this name too.
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    expect(await answers(page).count()).toBe(turns);
    expect(await page.locator("app-camera").count()).toBe(0);
  });

  test("the page has no long task while it answers", async () => {
    await set(page, { maxTokens: 40 });
    await choose(page, PICTURE);
    await page.getByLabel("Your question").fill("What is it?");
    await browser.startTracing(page, { categories: ["-*", "devtools.timeline", "toplevel"] });
    await button("Send").click();
    await stats(page).waitFor();
    const longestMs = longestTask(await browser.stopTracing());
    console.log(`longest task of the page while it answers: ${longestMs.toFixed(1)} ms of the processor`);
    expect(longestMs).toBeGreaterThan(0);
    expect(longestMs).toBeLessThan(LONG_TASK_MS);
    await button("New conversation").click();
  });

  test.for([
    ["vision", "prefill"],
    ["prefill", "decode"],
    ["decode", "never"],
  ])("stops in the middle of %s", async ([phase, next]) => {
    await set(page, { maxTokens: 200 });
    // Another one each time: what is known would not be encoded.
    await choose(page, { name: `${phase}.png`, mimeType: "image/png", buffer: await picture() });
    const [worker] = page.workers();
    await worker!.evaluate(holdWork, phase!);
    await send(page, "What is it?");
    await expect.poll(() => worker!.evaluate(() => gpuWork.isHeld), { timeout: 60_000 }).toBe(true);
    await button("Stop").click();
    // What was told to the worker is heard before what is held goes on.
    await worker!.evaluate(() => gpuWork.go());
    await page.getByText("Stopped.", { exact: true }).waitFor();
    const labels = await worker!.evaluate(() => gpuWork.labels);
    expect(labels).toContain(phase);
    expect(labels).not.toContain(next);
    expect(labels.filter((label) => label === "decode").length).toBeLessThan(20);
    await set(page, { maxTokens: 4 });
    await answer(page, "And now?");
    await button("New conversation").click();
  });

  test("a lost GPU is said, and the answer goes on where it was", async () => {
    await set(page, { maxTokens: 12 });
    await choose(page, PICTURE);
    const undisturbed = await answer(page, "What is it?");
    expect(undisturbed).not.toBe("");
    const [worker] = page.workers();
    await worker!.evaluate(loseDevice);
    await button("Try again").click();
    await page.getByText("The GPU was lost. The model is loading again").waitFor();
    await page.getByText("2 / 2").waitFor();
    await stats(page).waitFor();
    expect(await answers(page).textContent()).toBe(undisturbed);
    expect(page.workers()).toEqual([worker]);
    await button("New conversation").click();
  });

  test("two tabs take turns, and the one that waits says so", async () => {
    const second = await open();
    await set(page, { maxTokens: 4 });
    await set(second, { maxTokens: 4 });
    const [worker] = page.workers();
    await choose(page, PICTURE);
    await worker!.evaluate(holdWork, "decode");
    await send(page, "What is it?");
    await expect.poll(() => worker!.evaluate(() => gpuWork.isHeld), { timeout: 60_000 }).toBe(true);
    await send(second, "And here?");
    await second.getByText("Waiting: another tab is using the GPU").waitFor();
    expect(await answers(second).count()).toBe(0);
    await worker!.evaluate(() => gpuWork.go());
    await stats(second).waitFor();
    expect(await stats(page).count()).toBe(1);
    expect(await second.getByText("another tab").count()).toBe(0);
    await second.close();
  });

  /** A picture that was never seen before. */
  function picture(): Promise<Buffer> {
    return page
      .evaluate(async () => {
        const canvas = new OffscreenCanvas(32, 32);
        const context = canvas.getContext("2d")!;
        context.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
        context.fillRect(0, 0, 32, 32);
        const blob = await canvas.convertToBlob();
        return Array.from(new Uint8Array(await blob.arrayBuffer()));
      })
      .then((bytes) => Buffer.from(bytes));
  }
});

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** Microseconds of the processor. */
  tdur?: number;
  args: { name?: string };
}

/**
 * The longest task of any page's main thread in a trace, in milliseconds of the processor: by the clock, every page has long
 * tasks on a machine that is busy with other things.
 */
function longestTask(trace: Buffer): number {
  const events: TraceEvent[] = JSON.parse(trace.toString()).traceEvents;
  const isMain = ({ name, args }: TraceEvent) => name === "thread_name" && args.name === "CrRendererMain";
  const mains = new Set(events.filter(isMain).map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = events.filter(({ name, pid, tid }) => /RunTask$/.test(name) && mains.has(`${pid} ${tid}`));
  return Math.max(0, ...tasks.map(({ tdur = 0 }) => tdur / 1000));
}

/** Runs in the worker: notes the GPU's work; from the first of this label on, nobody hears of the end of any, until told. */
function holdWork(phase: string): void {
  const device = GPUDevice.prototype;
  const { createCommandEncoder } = device;
  const waits = [
    [GPUQueue.prototype, "onSubmittedWorkDone"],
    [GPUBuffer.prototype, "mapAsync"],
  ] as unknown as [Record<string, (...args: unknown[]) => Promise<unknown>>, string][];
  const originals = waits.map(([owner, name]) => owner[name]!);
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const work: typeof gpuWork = {
    labels: [],
    isHeld: false,
    go() {
      for (const [i, [owner, name]] of waits.entries()) owner[name] = originals[i]!;
      open();
    },
  };
  globalThis.gpuWork = work;
  device.createCommandEncoder = function (descriptor) {
    work.labels.push(descriptor?.label ?? "");
    if (descriptor?.label === phase) work.isHeld = true;
    return createCommandEncoder.call(this, descriptor);
  };
  for (const [i, [owner, name]] of waits.entries())
    owner[name] = async function (this: unknown, ...args) {
      if (work.isHeld) await opened;
      return originals[i]!.apply(this, args);
    };
}

/** Runs in the worker: takes the device away in the middle of the next answer. */
function loseDevice(): void {
  const { createCommandEncoder } = GPUDevice.prototype;
  let left = 5;
  GPUDevice.prototype.createCommandEncoder = function (descriptor) {
    if (descriptor?.label === "decode" && left-- === 0) {
      GPUDevice.prototype.createCommandEncoder = createCommandEncoder;
      this.destroy();
    }
    return createCommandEncoder.call(this, descriptor);
  };
}
