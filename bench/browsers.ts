/** The browsers of the benchmark: Chromium by Playwright, Firefox by Puppeteer, behind one interface. Node only. */
import { chromium } from "playwright";
import { CHROMIUM_FLAGS, findChromium } from "../tools/chromium.mjs";
import type { BrowserName } from "./options.mjs";

const LAUNCH_TIMEOUT_MS = 120_000;

export interface BenchPage {
  goto(address: string): Promise<unknown>;
  addScriptTag(script: { type: string; content: string }): Promise<unknown>;
  /** Runs a function in the page and returns its plain result. */
  evaluate<A, R>(body: (argument: A) => Promise<R>, argument: A): Promise<R>;
  close(): Promise<void>;
}

/** Events of a page. */
export interface PageEvents {
  /** Called with each `console.info`. */
  onInfo(text: string): void;
  onCrash(): void;
}

export interface BenchBrowser {
  newPage(events: PageEvents): Promise<BenchPage>;
  /** The browser's first process, whose children are the others; undefined if unknown. */
  processId(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** A message of the page's console. */
interface Message {
  type(): string;
  text(): string;
}

/** `launchFirefox` of tools/firefox.mjs: it imports Puppeteer when called, which a module that Vite runs cannot. */
export type LaunchFirefox = typeof import("../tools/firefox.mjs").launchFirefox;

/**
 * Starts a headless browser with WebGPU. Throws an Error of one line if there is none.
 * @param flags of Chromium, besides the usual ones
 */
export async function launch(
  name: BrowserName,
  launchFirefox: LaunchFirefox,
  flags: readonly string[] = [],
): Promise<BenchBrowser> {
  const tell = (events: PageEvents) => (message: Message) => {
    if (message.type() === "info") events.onInfo(message.text());
  };
  if (name === "firefox") {
    const browser = await launchFirefox();
    const newPage = async (events: PageEvents) => {
      const page = await browser.newPage();
      page.on("console", tell(events));
      page.once("error", () => events.onCrash());
      return page as BenchPage;
    };
    return { newPage, processId: async () => browser.process()?.pid, close: () => browser.close() };
  }
  const executablePath = findChromium();
  const args = [...CHROMIUM_FLAGS, ...flags];
  const browser = await chromium.launch({ executablePath, args, timeout: LAUNCH_TIMEOUT_MS });
  const newPage = async (events: PageEvents) => {
    const page = await browser.newPage();
    page.on("console", tell(events));
    page.once("crash", () => events.onCrash());
    return page as BenchPage;
  };
  const processId = async () => {
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    return processInfo.find(({ type }) => type === "browser")?.id;
  };
  return { newPage, processId, close: () => browser.close() };
}
