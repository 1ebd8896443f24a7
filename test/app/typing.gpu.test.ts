/** The page's question field: what a paste and Enter do. The element's is tested in test/element/composer.gpu.test.ts. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../../src/app/logic/app.ts";
import { Composer } from "../../src/app/parts/composer.ts";
import { Page } from "../../src/app/parts/page.ts";
import { pictureFile, transferOf } from "../element/stage.ts";

for (const [name, element] of Object.entries({ "app-composer": Composer, "app-page": Page }))
  if (!customElements.get(name)) customElements.define(name, element);

let page: Page;
let question: HTMLTextAreaElement;
let added: string[];

beforeEach(async () => {
  const app = new App();
  added = [];
  vi.spyOn(app.pictures, "addFiles").mockImplementation(async (files) => {
    added.push(...files.map(({ name }) => name));
  });
  page = new Page();
  page.app = app;
  document.body.append(page);
  await page.updateComplete;
  const composer = page.renderRoot.querySelector<Composer>("app-composer")!;
  await composer.updateComplete;
  question = composer.renderRoot.querySelector("textarea")!;
});
afterEach(() => page.remove());

function paste(text: string, file: File, target: Element = question): boolean {
  const clipboardData = transferOf(file);
  clipboardData.setData("text/plain", text);
  const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, composed: true, cancelable: true });
  target.dispatchEvent(event);
  return event.defaultPrevented;
}

test("text that comes with its picture, as from Word and Excel, is pasted as text", async () => {
  const file = await pictureFile("image.png");
  expect(paste("Berlin\t3.6", file)).toBe(false);
  expect(added).toEqual([]);
  expect(paste("", file)).toBe(true);
  expect(paste("image.png", file)).toBe(true);
  expect(paste("Berlin\t3.6", file, document.body)).toBe(true);
  expect(added).toEqual(["image.png", "image.png", "image.png"]);
});

test("Enter sends, unless it ends a composition", () => {
  let sent = 0;
  question.form!.addEventListener("submit", () => sent++);
  const press = (init: KeyboardEventInit) =>
    question.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...init }));
  for (const init of [{ isComposing: true }, { keyCode: 229 }, { shiftKey: true }]) press(init);
  expect(sent).toBe(0);
  press({ keyCode: 13 });
  expect(sent).toBe(1);
});
