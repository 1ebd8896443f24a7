/** Vitest's browser provider for Firefox, over WebDriver BiDi: opens the page that runs the tests. No user events. */
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
  readonly supportsParallelism = false;
  #browser: Promise<Browser> | undefined;
  readonly #pages = new Map<string, Page>();

  async openPage(sessionId: string, url: string): Promise<void> {
    this.#browser ??= launchFirefox();
    const browser = await this.#browser;
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
    const browser = await this.#browser?.catch(() => undefined);
    this.#browser = undefined;
    this.#pages.clear();
    await browser?.close();
  }
}
