/** Actions of end-to-end tests on the built page: wait for its model, change settings, ask, read answers. */
import type { Page } from "playwright";
import type { Settings } from "../../src/app/logic/settings.ts";
import type { Page as PageElement } from "../../src/app/parts/page.ts";

/** Waits until the model is loaded. */
export async function ready(page: Page): Promise<void> {
  await page.waitForFunction(
    () => document.querySelector<PageElement>("app-page")?.app?.store.state.model.info !== undefined,
  );
}

/** Changes settings without moving sliders: short answers of software adapters take long enough. */
export function set(page: Page, settings: Partial<Settings>): Promise<void> {
  return page.evaluate((change) => document.querySelector<PageElement>("app-page")!.app.set(change), settings);
}

/** The lines under finished answers. */
export const stats = (page: Page) => page.locator("fovea-chat [part=stats]");

export const answers = (page: Page) => page.locator("fovea-chat [part=answer]");

/** Asks a question on the page. */
export async function send(page: Page, question: string): Promise<void> {
  await page.getByLabel("Your question").fill(question);
  await page.getByRole("button", { name: "Send", exact: true }).click();
}

/** Asks, and waits for the answer. */
export async function ask(page: Page, question: string): Promise<string> {
  const before = await stats(page).count();
  await send(page, question);
  await stats(page).nth(before).waitFor();
  return (await answers(page).last().textContent()) ?? "";
}

/** Adds a picture file to the next question. */
export async function choose(
  page: Page,
  ...files: Parameters<ReturnType<Page["locator"]>["setInputFiles"]>
): Promise<void> {
  await page
    .locator("fovea-chat .chooser")
    .first()
    .setInputFiles(...files);
}

/** Statistics of the shown answer, in the inspector's details. */
export async function details(page: Page): Promise<string> {
  const summary = page.getByText("Details", { exact: true });
  if (!(await page.getByLabel("Statistics").isVisible())) await summary.click();
  return (await page.getByLabel("Statistics").textContent()) ?? "";
}
