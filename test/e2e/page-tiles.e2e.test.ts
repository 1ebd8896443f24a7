/**
 * The demo page with a model that cuts pictures into tiles and compresses nothing by itself: the offer of half of the tokens,
 * and what the page draws over the tiles.
 */
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { siteFolder } from "../../tools/build.mjs";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { serve } from "../../tools/serve.mjs";
import { projectRoot } from "../support/command.ts";
import { startModelServer } from "../support/model-server.ts";
import { choose, details, ready, send, set, stats } from "../support/site-page.ts";

const FAMILIES = `${projectRoot}/test/golden/families`;

let site: Awaited<ReturnType<typeof serve>>;
let models: Awaited<ReturnType<typeof startModelServer>>;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  site = await serve({ "/": { folder: siteFolder } });
  models = await startModelServer(`${FAMILIES}/smolvlm-s4-tags-bf16/model`);
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
  const context = await browser.newContext({ serviceWorkers: "block" });
  page = await context.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(`${site.origin}/?model=${models.origin}`);
  await ready(page);
});
afterAll(async () => {
  await browser?.close();
  models?.close();
  site?.close();
});

/** x, y, width and height of what is drawn, in pixels of the picture. */
function places(className: string): Promise<number[][]> {
  return page
    .locator(`app-picture-view rect.${className}`)
    .evaluateAll((all) =>
      all.map((one) => ["x", "y", "width", "height"].map((name) => Number(one.getAttribute(name)))),
    );
}

async function ask(): Promise<void> {
  await choose(page, `${FAMILIES}/pictures/wide_231x43.png`);
  await send(page, "What is it?");
  await stats(page).first().waitFor();
  // The answer may appear under the pointer, which would show the gaze of a word.
  await page.mouse.move(0, 0);
}

const button = (name: string) => page.getByRole("button", { name, exact: true });

test("half of the image tokens is one press away, and so are all of them again", async () => {
  const budget = () => page.getByLabel("Quality to speed").getAttribute("aria-valuetext");
  await set(page, { maxTokens: 4 });
  await ask();
  expect(await details(page)).toMatch(/Image tokens, 4 views\s*16 of 16/);
  await page.getByText(/^Half of the image tokens would show the first word about [1-5][05] % sooner\.$/).waitFor();
  await button("Use half of the tokens").click();
  await page.getByText("Questions now use half of the image tokens.").waitFor();
  expect(await budget()).toBe("half of the tokens");
  await button("Try again").click();
  await page.getByText("2 / 2").waitFor();
  await stats(page).getByText("8 of 16 image tokens").waitFor();
  await button("All image tokens").click();
  await page.getByText("Questions now use all image tokens.").waitFor();
  expect(await budget()).toBe("all image tokens");
  await button("New conversation").click();
});

test("draws the tiles and their merged cells on the picture, and the overview on its own", async () => {
  await set(page, { maxTokens: 4, budget: 0.5 });
  await ask();
  expect(await details(page)).toMatch(/Image tokens, 4 views\s*8 of 16/);

  // Three tiles of 2 x 2 cells, and two tokens of each.
  const view = page.locator("app-picture-view");
  const caption = view.getByText(/^Stage 2 of 2: 6 tokens: \d cells? kept, \d clusters of \d+ cells, none dropped$/);
  const [kept, mergedCells] = /(\d) cells? kept, . clusters of (\d+)/.exec((await caption.textContent())!)!.slice(1);
  const tiles = button("3 tiles");
  expect(await tiles.getAttribute("aria-pressed")).toBe("true");
  expectClose(await places("view"), [
    [0, 0, 77, 43],
    [77, 0, 77, 43],
    [154, 0, 77, 43],
  ]);
  const cells = [0, 1, 2, 3, 4, 5].flatMap((col) => [
    [col * 38.5, 0, 38.5, 21.5],
    [col * 38.5, 21.5, 38.5, 21.5],
  ]);
  const merged = await places("merged");
  expect(merged).toHaveLength(Number(mergedCells));
  expect(merged.length + Number(kept)).toBe(cells.length);
  for (const place of merged) expect(cells).toContainEqual(place.map((value) => expect.closeTo(value, 3)));

  await button("Overview").click();
  await view.getByText("Stage 2 of 2: 2 tokens").waitFor();
  expect(await places("view")).toEqual([]);
  for (const place of await places("merged")) expectClose([place.slice(2)], [[115.5, 21.5]]);

  await tiles.click();
  await page.locator("fovea-chat .word").first().hover();
  await view.getByText("bright is where it looked").waitFor();
  const heats = page.locator("app-picture-view image.heat");
  expect(await heats.evaluateAll((all) => all.map((one) => Number(one.getAttribute("x"))))).toEqual(
    [0, 77, 154].map((x) => expect.closeTo(x, 3)),
  );
});

function expectClose(actual: number[][], expected: number[][]): void {
  expect(actual).toEqual(expected.map((place) => place.map((value) => expect.closeTo(value, 3))));
}
