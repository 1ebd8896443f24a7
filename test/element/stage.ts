/** What the element's tests need of a page: an element with scripted engines, its parts, its events, a picture. */
import { EngineRegistry } from "../../src/element/engines.ts";
import type { FoveaChatEventMap } from "../../src/element/events.ts";
import { FoveaChat } from "../../src/element/fovea-chat.ts";
import { ScriptedLoader, type ScriptedModel } from "./scripted-engine.ts";

if (!customElements.get("fovea-chat")) customElements.define("fovea-chat", FoveaChat);

/** A registry of its own for all elements that are made from now on; gives its loader. */
export function scriptEngines(): ScriptedLoader {
  const loader = new ScriptedLoader();
  FoveaChat.engines = new EngineRegistry(loader.load);
  return loader;
}

/** An element in the page, with these attributes, shown for the first time. */
export async function showChat(attributes: Record<string, string> = { model: "m" }): Promise<FoveaChat> {
  const chat = document.createElement("fovea-chat");
  for (const [name, value] of Object.entries(attributes)) chat.setAttribute(name, value);
  document.body.append(chat);
  await chat.updateComplete;
  return chat;
}

/** Takes all elements out of the page, and waits until they have given back what they held. */
export async function clearStage(): Promise<void> {
  document.body.replaceChildren();
  await tick();
}

/** Lets everything happen that is on its way, short of timers. */
export async function tick(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
}

/** As `tick`, and what an element shows is painted. */
export async function settled(chat: FoveaChat): Promise<void> {
  await tick();
  await chat.updateComplete;
}

/** The first part of this name; undefined if it is not shown. */
export function part<T extends HTMLElement = HTMLElement>(chat: FoveaChat, name: string): T | undefined {
  return parts<T>(chat, name)[0];
}

export function parts<T extends HTMLElement = HTMLElement>(chat: FoveaChat, name: string): T[] {
  return [...chat.shadowRoot!.querySelectorAll<T>(`[part~="${name}"]`)];
}

/** A part's text without the spaces of its template. */
export function textOf(chat: FoveaChat, name: string): string {
  return parts(chat, name)
    .map(({ textContent }) => textContent.replace(/\s+/g, " ").trim())
    .join(" | ");
}

/** Names and details of all events that reach the document from now on. */
export function listen(): { name: string; detail: Record<string, unknown> }[] {
  const heard: { name: string; detail: Record<string, unknown> }[] = [];
  const names: (keyof FoveaChatEventMap)[] = [
    "fovea-progress",
    "fovea-ready",
    "fovea-text",
    "fovea-done",
    "fovea-error",
  ];
  for (const name of names)
    document.body.addEventListener(name, (event) =>
      heard.push({ name, detail: event.detail as unknown as Record<string, unknown> }),
    );
  return heard;
}

/** Asks, and loads the model if that is what the question starts. Gives the model, whose answer has begun. */
export async function begin(chat: FoveaChat, loader: ScriptedLoader, question = "What is it?"): Promise<ScriptedModel> {
  chat.ask(question).catch(() => {});
  await tick();
  const model = loader.last.finish();
  await settled(chat);
  return model;
}

/** A picture of one colour, as a file. */
export async function pictureFile(name = "cat.png", colour = "#c60", width = 64, height = 48): Promise<File> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  context.fillStyle = colour;
  context.fillRect(0, 0, width, height);
  return new File([await canvas.convertToBlob()], name, { type: "image/png" });
}

/** Files as a drop or a paste brings them. */
export function transferOf(...files: File[]): DataTransfer {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  return transfer;
}
