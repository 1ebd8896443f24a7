/** A page in Firefox as its user sees it, through shadow roots. puppeteer-core's own text and role queries stop at some of them. */
import type { Browser, ElementHandle, Page } from "puppeteer-core";

declare global {
  /** In the page: all elements that match, shadow roots included. */
  var deep: (selector: string) => Element[];
}

export interface FirefoxPage {
  page: Page;
  /** Errors of the page's code and on its console. */
  complaints: string[];
  /** Waits until the page shows this text. */
  sees(text: string): Promise<void>;
  /** Waits for an enabled button of this name, and presses it. */
  press(name: string): Promise<void>;
  /** Waits for an element, and gives its text. */
  textOf(selector: string): Promise<string>;
  /** Picks a file in an input. */
  choose(selector: string, path: string): Promise<void>;
  /** Waits for an element. */
  find(selector: string): Promise<ElementHandle<Element>>;
}

/** Opens a page, and collects its errors. */
export async function openPage(browser: Browser, address: string, timeoutMs = 60_000): Promise<FirefoxPage> {
  const page = await browser.newPage();
  page.setDefaultTimeout(timeoutMs);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.evaluateOnNewDocument(() => {
    globalThis.deep = (selector) => {
      const under = (root: ParentNode): Element[] =>
        [...root.querySelectorAll("*")].flatMap((element) => [
          ...(element.matches(selector) ? [element] : []),
          ...(element.shadowRoot ? under(element.shadowRoot) : []),
        ]);
      return under(document);
    };
  });
  await page.goto(address);
  const until = { polling: 100 };
  const find = async (selector: string) => {
    const handle = await page.waitForFunction((wanted) => deep(wanted)[0], until, selector);
    return handle as ElementHandle<Element>;
  };
  return {
    page,
    complaints,
    find,
    sees: async (text) => {
      const shows = (wanted: string) => deep("*").some(({ textContent }) => textContent?.includes(wanted));
      await page.waitForFunction(shows, until, text);
    },
    press: async (name) => {
      const press = (wanted: string) => {
        const isWanted = (element: Element) =>
          (element.getAttribute("aria-label") ?? element.textContent)?.trim() === wanted;
        const found = deep("button:not([disabled])").find(isWanted) as HTMLButtonElement | undefined;
        found?.click();
        return found !== undefined;
      };
      await page.waitForFunction(press, until, name);
    },
    choose: async (selector, path) => ((await find(selector)) as ElementHandle<HTMLInputElement>).uploadFile(path),
    textOf: async (selector) => (await find(selector)).evaluate(({ textContent }) => textContent ?? ""),
  };
}
