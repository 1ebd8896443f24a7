/** A PDF that a user drops: the element asks which pages are meant, and each becomes a picture of the question. */
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { makePdf } from "../support/pdf.ts";
import { clearStage, part, parts, scriptEngines, settled, showChat, textOf, transferOf } from "./stage.ts";

const PAGES = Array.from({ length: 4 }, (_, i) => ({ colour: [i / 4, 0, 1] }) as const);

let chat: FoveaChat;
beforeEach(async () => {
  scriptEngines();
  chat = await showChat();
});
afterEach(clearStage);

function drop(file: File): void {
  const options = { dataTransfer: transferOf(file), bubbles: true, composed: true, cancelable: true };
  part(chat, "transcript")!.dispatchEvent(new DragEvent("drop", options));
}

async function chooser(): Promise<HTMLInputElement> {
  await expect.poll(() => part(chat, "page-numbers"), { timeout: 60_000 }).toBeTruthy();
  await settled(chat);
  return part<HTMLInputElement>(chat, "page-numbers")!;
}

function names(): string[] {
  return parts<HTMLImageElement>(chat, "picture").map(({ alt }) => alt);
}

test("a PDF of one page becomes a picture at once", async () => {
  drop(makePdf([{ colour: [1, 0, 0] }]));
  await expect.poll(names, { timeout: 60_000 }).toEqual(["Picture: paper.pdf.png"]);
  expect(part(chat, "pages")).toBeUndefined();
});

test("asks which pages, and stays open at wrong ones", async () => {
  const ends = vi.spyOn(Worker.prototype, "terminate");
  onTestFinished(() => ends.mockRestore());
  drop(makePdf(PAGES));
  const input = await chooser();
  expect(textOf(chat, "note")).toBe("paper.pdf has 4 pages. Which ones do you ask about? Write 3, or 2-5, or 1, 4.");
  await userEvent.fill(input, "9");
  await userEvent.keyboard("{Enter}");
  expect(input.validationMessage).toBe("Page 9 is not in this PDF, whose pages are 1 to 4.");
  await userEvent.fill(input, "2-3");
  await userEvent.keyboard("{Enter}");
  await expect
    .poll(names, { timeout: 60_000 })
    .toEqual(["Picture: paper.pdf page 2.png", "Picture: paper.pdf page 3.png"]);
  await settled(chat);
  expect(textOf(chat, "note")).toBe("paper.pdf: page 2, 3 of 4.");
  expect(ends, "one worker opens the PDF and draws its pages").toHaveBeenCalledTimes(1);
  expect(part(chat, "pages")).toBeUndefined();
});

test("Escape and the button choose none", async () => {
  drop(makePdf(PAGES));
  (await chooser()).focus();
  await userEvent.keyboard("{Escape}");
  await expect.poll(() => part(chat, "pages")).toBeUndefined();
  drop(makePdf(PAGES));
  await chooser();
  part(chat, "no-pages")!.click();
  await expect.poll(() => part(chat, "pages")).toBeUndefined();
  await settled(chat);
  expect([names(), textOf(chat, "note")]).toEqual([[], ""]);
});

test("a sentence says why a file is not taken", async () => {
  drop(new File(["no PDF"], "odd.pdf", { type: "application/pdf" }));
  await expect
    .poll(() => textOf(chat, "note"), { timeout: 60_000 })
    .toBe("odd.pdf is damaged, or is no PDF (Invalid PDF structure.).");
});
