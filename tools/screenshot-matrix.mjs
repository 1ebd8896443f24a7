// Every state of the demo page at three widths, light and dark, for the eyes of those who change it: too many to commit.

/** Widths and heights in CSS pixels. */
const SCREENS = /** @type {const} */ ([
  [1440, 900],
  [1000, 800],
  [360, 740],
]);
const SCHEMES = /** @type {const} */ (["light", "dark"]);

/** Nothing listens there. */
const NO_MODEL = "?model=http://127.0.0.1:9/";
const WEIGHTS = /fovea-demo\/model\.safetensors/;

/**
 * @param {import("playwright").Browser} browser
 * @param {object} options
 * @param {string} options.address of the served page, without a slash at its end
 * @param {string} options.folder for the pictures
 * @param {number} options.timeout in milliseconds
 * @param {() => boolean} options.isReady runs in the page: true if its model is loaded
 */
export async function takeMatrix(browser, { address, folder, timeout, isReady }) {
  /**
   * @param {import("playwright").BrowserContextOptions} options
   * @param {string} [query]
   * @param {(route: import("playwright").Route) => Promise<void>} [onWeights]
   */
  const open = async (options, query = "", onWeights) => {
    const context = await browser.newContext({ reducedMotion: "reduce", ...options });
    await context.addInitScript(holdAnswers);
    if (onWeights) await context.route(WEIGHTS, onWeights);
    const page = await context.newPage();
    page.setDefaultTimeout(timeout);
    await page.goto(`${address}/${query}`);
    return page;
  };
  /** @param {import("playwright").Page} page @param {string} state @param {(width: number) => Promise<unknown>} [prepare] */
  const shootAll = async (page, state, prepare) => {
    for (const [width, height] of SCREENS) {
      await page.setViewportSize({ width, height });
      await prepare?.(width);
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: `${folder}/${state}-${width}-${colorScheme}.png`, scale: "css" });
      }
      console.log(`${state}-${width}`);
    }
  };

  const failed = await open({}, NO_MODEL);
  await failed.getByRole("alert").first().waitFor();
  await shootAll(failed, "error");
  await failed.context().close();

  let release = () => {};
  /** @type {Promise<void>} */
  const released = new Promise((resolve) => {
    release = resolve;
  });
  const page = await open({ serviceWorkers: "block" }, "", (route) => released.then(() => route.continue()));
  await page.getByText(/^Loading the model/).waitFor();
  await shootAll(page, "loading");
  release();
  await page.waitForFunction(isReady);
  await shootAll(page, "first");

  const stats = page.locator("fovea-chat [part=stats]");
  await page.getByRole("img", { name: "Picnic" }).click();
  await stats.waitFor();
  const close = page.locator("app-inspector").getByRole("button", { name: "Close" });
  await shootAll(page, "streaming", async () => {
    if (await close.isVisible()) await close.click();
    await page.evaluate(() => Object.assign(globalThis, { holdsAnswers: false }));
    await stats.waitFor();
    await page.evaluate(() => Object.assign(globalThis, { holdsAnswers: true }));
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator("fovea-chat [part=answer][aria-busy=true]", { hasText: /\w/ }).waitFor();
  });
  await page.evaluate(() => Object.assign(globalThis, { holdsAnswers: false }));
  await page.getByRole("button", { name: "Stop", exact: true }).waitFor({ state: "detached" });
  await stats.waitFor();
  await shootAll(page, "answered", async () => {
    if (await close.isVisible()) await close.click();
  });
  await page.locator("fovea-chat").getByRole("button", { name: "What it saw" }).click();
  await shootAll(page, "inspector");
  await page.keyboard.press("Escape");
  if (await close.isVisible()) await close.click();
  await page.getByRole("button", { name: /^Model/ }).click();
  await shootAll(page, "picker");
  await page.context().close();

  const again = await open({});
  await again.waitForFunction(isReady);
  await again.getByText(/Works offline/).waitFor();
  await again.context().setOffline(true);
  await again.reload();
  await again.waitForFunction(isReady);
  await shootAll(again, "offline");
  await again.context().close();
}

/**
 * Runs in the page: while `holdsAnswers` is true, the worker's messages wait once an answer has its first words, so that it
 * is seen being written.
 */
function holdAnswers() {
  const add = Worker.prototype.addEventListener;
  /** @type {Promise<unknown>} */
  let before = Promise.resolve();
  const isWritten = () => {
    const chat = document.querySelector("app-page")?.shadowRoot?.querySelector("fovea-chat");
    return Boolean(chat?.shadowRoot?.querySelector("[part=answer][aria-busy=true]")?.textContent?.trim());
  };
  const pass = async () => {
    // A frame, in which the words of the message before are painted.
    await new Promise((resolve) => setTimeout(resolve, Reflect.get(globalThis, "holdsAnswers") ? 100 : 0));
    while (Reflect.get(globalThis, "holdsAnswers") && isWritten())
      await new Promise((resolve) => setTimeout(resolve, 50));
  };
  /** @this {Worker} @param {string} type @param {any} listener @param {any} options */
  Worker.prototype.addEventListener = function (type, listener, options) {
    /** @param {any} event */
    const later = (event) => {
      before = before.then(pass).then(() => listener(event));
    };
    add.call(this, type, type === "message" ? later : listener, options);
  };
}
