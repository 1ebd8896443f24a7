/** Visits of the built page in Chromium, for end-to-end tests: what it complains of, what it asks for, what axe finds. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { type Browser, chromium, type Page } from "playwright";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { type Running, startCommand } from "./command.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The page as `npm start` serves it, and one browser. */
export class PageVisits {
  readonly address: string;
  /** Errors of the last visit. Violations of the page's Content-Security-Policy are among them. */
  complaints: string[] = [];
  /** Addresses that the last visit asked for. */
  requested: string[] = [];
  readonly #server: Running;
  readonly #browser: Browser;

  private constructor(server: Running, address: string, browser: Browser) {
    this.#server = server;
    this.address = address;
    this.#browser = browser;
  }

  static async start(): Promise<PageVisits> {
    const server = startCommand("start", []);
    const address = (await server.said(/http:\S+/))[0];
    const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
    return new PageVisits(server, address, browser);
  }

  /** Ends both. Returns the exit code of `npm start`. */
  async end(): Promise<number | null> {
    await this.#browser.close();
    this.#server.process.kill("SIGINT");
    return (await this.#server.ended).code;
  }

  async open(query: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const context = await this.#browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(240_000);
    [this.complaints, this.requested] = [[], []];
    page.on("pageerror", ({ message }) => this.complaints.push(message));
    page.on("console", (message) => {
      // A folder need not have every file that is asked for.
      const isMissingFile = /status of 404/.test(message.text());
      if (message.type() === "error" && !isMissingFile) this.complaints.push(message.text());
    });
    context.on("request", (request) => this.requested.push(request.url()));
    await page.addInitScript(() => {
      const long = { ms: 0 };
      Object.assign(globalThis, { long });
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) long.ms = Math.max(long.ms, duration);
      }).observe({ type: "longtask" });
    });
    await page.goto(`${this.address}${query}`);
    return page;
  }
}

/** Rules that axe finds broken, with what they are about. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
