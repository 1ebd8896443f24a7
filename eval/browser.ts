/**
 * Asks a model in headless Chromium on the built library from Node: the server, the browser and the page. Independent
 * of the questions and of scoring.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright";
import type { ModelInfo } from "../src/api.ts";
import { CHROMIUM_FLAGS, findChromium } from "../tools/chromium.mjs";
import { root } from "../tools/library.mjs";
import { LIBRARY_ADDRESS, libraryPaths } from "../tools/library-page.mjs";
import { addModule, callModule } from "../tools/page-module.ts";
import { type Served, serve } from "../tools/serve.mjs";
import type { AnsweringPage } from "./ask-all.ts";
import type { WeightsOption } from "./options.mjs";
import type { PageQuestion, PageServer } from "./page.mjs";

/** A busy machine may take long to start a browser. */
const LAUNCH_TIMEOUT_MS = 120_000;
const PAGE_ADDRESS = "/eval-page.mjs";

export type PageAnswer = Awaited<ReturnType<typeof import("./page.mjs").ask>>;

export interface OpenOptions {
  /** Address of the model's folder, or undefined if it is served from `folder`. */
  address: string | undefined;
  folder: string | undefined;
  weights: WeightsOption;
  /** The server with the model of this address. */
  server?: PageServer;
  /** Name -> folder of pictures, or a reader; the page's address is `/pictures/NAME/FILE`. */
  pictures: Record<string, string | ((file: string) => Promise<Uint8Array>)>;
}

/** The address of a picture in the page. */
export function pictureAddress(folderName: string, file: string): string {
  return `/pictures/${folderName}/${file}`;
}

/** A browser page with one loaded model. `close` ends the browser and the server. */
export class ModelPage implements AnsweringPage {
  readonly info: ModelInfo;
  /** Start of the build's hash. */
  readonly library = readFileSync(`${root}dist/lib.stamp`, "utf8").slice(0, 12);
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #crashed: Promise<never>;
  readonly #closeServer: () => void;

  private constructor(parts: {
    info: ModelInfo;
    browser: Browser;
    page: Page;
    crashed: Promise<never>;
    close(): void;
  }) {
    this.info = parts.info;
    this.#browser = parts.browser;
    this.#page = parts.page;
    this.#crashed = parts.crashed;
    this.#closeServer = parts.close;
  }

  /**
   * Starts everything and loads the model. On failure it throws an Error with the missing part, and nothing keeps
   * running.
   */
  static async open({ address, folder, weights, server: models, pictures }: OpenOptions): Promise<ModelPage> {
    const executablePath = findChromium();
    const paths: Record<string, Served> = {
      ...libraryPaths(),
      [PAGE_ADDRESS]: { file: fileURLToPath(new URL("./page.mjs", import.meta.url)) },
    };
    if (folder !== undefined) paths["/model/"] = { folder };
    for (const [name, from] of Object.entries(pictures))
      paths[pictureAddress(name, "")] = typeof from === "string" ? { folder: from } : { read: from };
    const server = await serve(paths);
    let browser: Browser | undefined;
    try {
      // An interrupted run closes the browser itself, after the answer in progress is stored.
      const own = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
      // The only page is our own, and servers need not allow it.
      const args = models ? [...CHROMIUM_FLAGS, "--disable-web-security"] : CHROMIUM_FLAGS;
      browser = await chromium.launch({ executablePath, args, timeout: LAUNCH_TIMEOUT_MS, ...own });
      const page = await browser.newPage();
      const crashed = new Promise<never>((_, reject) => {
        page.once("crash", () =>
          reject(new Error("the browser's page crashed; run the same command again to continue")),
        );
      });
      // A pending question reports the crash; without one it must not count as unhandled.
      crashed.catch(() => {});
      await page.goto(`${server.origin}/`);
      await addModule(page, PAGE_ADDRESS);
      const addresses = {
        library: LIBRARY_ADDRESS,
        model: address ?? `${server.origin}/model/`,
        weights,
        ...(models && { server: models }),
      };
      const { info } = await Promise.race([callModule<PageModule, "load">(page, "load", addresses), crashed]);
      return new ModelPage({ info, browser, page, crashed, close: server.close });
    } catch (error) {
      server.close();
      await browser?.close().catch(() => {});
      throw error;
    }
  }

  /** Throws an Error with the engine's message, or that of a page that crashed. */
  async ask(question: PageQuestion): Promise<PageAnswer> {
    return Promise.race([callModule<PageModule, "ask">(this.#page, "ask", question), this.#crashed]);
  }

  async close(): Promise<void> {
    this.#closeServer();
    await this.#browser.close().catch(() => {});
  }
}

type PageModule = typeof import("./page.mjs");
