// node tools/second-visit.mjs [--runs N] [--site FOLDER]...: measures the time until the demo page is ready on a second
// visit, with page and model stored. Several builds of the site take turns, so that a busy machine slows all alike.
// Medians come first. "cpu" is the processor time of all browser processes, which is more reliable when other programs
// run.
import { parseArgs } from "node:util";
import { chromium } from "playwright";
import { ensureSite, siteFolder } from "./build.mjs";
import { CHROMIUM_FLAGS, findChromium } from "./chromium.mjs";
import { serve } from "./serve.mjs";

const TIMEOUT_MS = 120_000;
/** A pause for leftover work of the last visit. */
const PAUSE_MS = 1000;

/** @typedef {Record<string, number>} Times milliseconds since the address was opened */

const { values } = parseArgs({
  options: { runs: { type: "string", default: "7" }, site: { type: "string", multiple: true } },
});
if (!values.site) await ensureSite();

const sites = await Promise.all((values.site ?? [siteFolder]).map(openSite));
try {
  for (let run = 0; run < Number(values.runs); run++) for (const site of sites) site.visits.push(await visit(site));
} finally {
  for (const { browser, server } of sites) {
    await browser.close();
    server.close();
  }
}
for (const { folder, visits } of sites) {
  console.log(folder);
  for (const name of Object.keys(visits[0] ?? {})) {
    const times = visits.map((one) => Math.round(one[name] ?? 0));
    console.log(`  ${name.padEnd(14)} ${String(median(times)).padStart(6)} ms  (${times.join(" ")})`);
  }
}

/**
 * A browser after its first visit.
 * @param {string} folder
 */
async function openSite(folder) {
  const server = await serve({ "/": { folder } });
  const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: TIMEOUT_MS });
  // One page for all visits, because a new window costs the browser extra work.
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  await page.addInitScript(follow);
  /** @type {Times[]} */
  const visits = [];
  const site = { folder, server, browser, page, visits };
  await visit(site);
  await page.goto(server.origin);
  await page.getByText("Works offline, model included").waitFor();
  await visit(site);
  return site;
}

/**
 * @param {Pick<Awaited<ReturnType<typeof openSite>>, "server" | "browser" | "page">} site
 * @returns {Promise<Times>}
 */
async function visit({ server, browser, page }) {
  await page.goto("about:blank");
  await page.waitForTimeout(PAUSE_MS);
  const before = await cpuMs(browser);
  await page.goto(server.origin);
  /** @type {Times} */
  const times = await page.evaluate("ready");
  return { ...times, cpu: (await cpuMs(browser)) - before };
}

/** Runs in the page before its own scripts: records when its model reaches each stage. */
function follow() {
  /** @type {Times} */
  const times = {};
  Object.assign(globalThis, {
    ready: new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        /** @type {import("../src/app/parts/page.ts").Page | null} */
        const page = document.querySelector("app-page");
        if (!page?.app) return;
        observer.disconnect();
        times.page = performance.now();
        const { store } = page.app;
        const look = () => {
          const { info, progress } = store.state.model;
          if (progress) times[progress.stage] ??= performance.now();
          if (info) resolve(times);
        };
        store.subscribe(look);
        look();
      });
      observer.observe(document, { childList: true, subtree: true });
    }),
  });
}

/** @param {import("playwright").Browser} browser */
async function cpuMs(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return 1000 * processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** @param {number[]} numbers */
function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
