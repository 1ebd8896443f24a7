/**
 * Vitest's browser provider for Firefox, over WebDriver BiDi: opens the pages that run the tests, each in a browser of its own.
 * No user events.
 */
import { defineBrowserProvider } from "@vitest/browser";
import type { Browser, Page } from "puppeteer-core";
import type { BrowserProvider, BrowserProviderOption } from "vitest/node";
import { launchFirefox } from "../../tools/firefox.mjs";

/** Vitest's provider of Firefox. */
export function firefoxProvider(): BrowserProviderOption {
  return defineBrowserProvider({ name: "firefox", providerFactory: () => new FirefoxProvider() });
}

class FirefoxProvider implements BrowserProvider {
  readonly name = "firefox";
  readonly supportsParallelism = true;
  readonly #browsers = new Map<string, Promise<Browser>>();
  readonly #pages = new Map<string, Page>();

  async openPage(sessionId: string, url: string): Promise<void> {
    const launched = this.#browsers.get(sessionId) ?? launchFirefox();
    this.#browsers.set(sessionId, launched);
    const browser = await launched;
    await this.#pages.get(sessionId)?.close();
    const page = await browser.newPage();
    this.#pages.set(sessionId, page);
    // The page stays open while its tests run, so nobody waits for its load event.
    await page.goto(url, { waitUntil: "domcontentloaded", timeout: 0 });
  }

  getCommandsContext(sessionId: string): Record<string, unknown> {
    return { page: this.#pages.get(sessionId) };
  }

  async close(): Promise<void> {
    const browsers = await Promise.allSettled(this.#browsers.values());
    this.#browsers.clear();
    this.#pages.clear();
    await Promise.all(browsers.map(async (one) => one.status === "fulfilled" && (await one.value.close())));
  }
}
