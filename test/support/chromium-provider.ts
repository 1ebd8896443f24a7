/**
 * Vitest's Playwright provider with a browser of its own for each page that runs test files. Pages of one Chromium share a GPU
 * process, and the software adapter then compiles and runs their shaders on little more than one core.
 */
import { type PlaywrightProviderOptions, playwright } from "@vitest/browser-playwright";
import type { BrowserProvider, BrowserProviderOption, TestProject } from "vitest/node";

export function chromiumProvider(options: PlaywrightProviderOptions): BrowserProviderOption {
  const provider = playwright(options);
  return {
    ...provider,
    providerFactory: (project: TestProject) => new ChromiumProvider(() => provider.providerFactory(project)),
  };
}

class ChromiumProvider implements BrowserProvider {
  // Vitest knows by it what else the provider can do.
  readonly name = "playwright";
  readonly supportsParallelism = true;
  readonly initScripts: string[];
  readonly #make: () => BrowserProvider;
  /** Page -> browser. */
  readonly #browsers = new Map<string, BrowserProvider>();
  /** Not opened. */
  #next: BrowserProvider | undefined;

  constructor(make: () => BrowserProvider) {
    this.#make = make;
    this.#next = make();
    this.initScripts = [...(this.#next.initScripts ?? [])];
  }

  async openPage(sessionId: string, url: string): Promise<void> {
    const browser = this.#browsers.get(sessionId) ?? this.#next ?? this.#make();
    this.#next = undefined;
    this.#browsers.set(sessionId, browser);
    await browser.openPage(sessionId, url, { parallel: false });
  }

  readonly mocker: NonNullable<BrowserProvider["mocker"]> = {
    register: (sessionId, module) => this.#of(sessionId).mocker!.register(sessionId, module),
    delete: (sessionId, url) => this.#of(sessionId).mocker!.delete(sessionId, url),
    clear: (sessionId) => this.#of(sessionId).mocker!.clear(sessionId),
  };

  /** For the keyboard of `userEvent`. */
  getPage(sessionId: string): unknown {
    return this.#of(sessionId).getCommandsContext(sessionId).page;
  }

  getCommandsContext(sessionId: string): Record<string, unknown> {
    return this.#of(sessionId).getCommandsContext(sessionId);
  }

  getCDPSession(sessionId: string): ReturnType<NonNullable<BrowserProvider["getCDPSession"]>> {
    return this.#of(sessionId).getCDPSession!(sessionId);
  }

  async close(): Promise<void> {
    const browsers = [...this.#browsers.values()];
    this.#browsers.clear();
    await Promise.all(browsers.map((browser) => browser.close()));
  }

  #of(sessionId: string): BrowserProvider {
    const browser = this.#browsers.get(sessionId);
    if (!browser) throw new Error(`no browser has the page ${sessionId}`);
    return browser;
  }
}
