/** The page's choice of a model on a server: what it says, what it asks, and where the key is kept. */
import { clear, entries } from "idb-keyval";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { App } from "../../src/app/logic/app.ts";
import { type ServerChoice, ServerForm } from "../../src/app/parts/server-form.ts";
import { FoveaChat } from "../../src/element/fovea-chat.ts";

const KEY = "sk-secret-0123456789";
const ADDRESS = "https://models.example/v1";

let form: ServerForm;
beforeEach(async () => {
  await clear();
  if (!customElements.get("app-server-form")) customElements.define("app-server-form", ServerForm);
  if (!customElements.get("fovea-chat")) customElements.define("fovea-chat", FoveaChat);
  form = document.createElement("app-server-form") as ServerForm;
  document.body.append(form);
  onTestFinished(() => form.remove());
  await form.updateComplete;
});

const field = (id: string) => form.renderRoot.querySelector<HTMLInputElement>(`#${id}`)!;

test("says that questions and pictures leave the computer, and keeps the key only if asked", () => {
  expect(form.renderRoot.textContent).toMatch(/questions and pictures leave this computer/);
  expect(field("keep").checked).toBe(false);
  expect(field("key").getAttribute("autocomplete")).toBe("off");
  let chosen: ServerChoice | undefined;
  form.addEventListener("use-server", (event) => {
    chosen = (event as CustomEvent<ServerChoice>).detail;
  });
  Object.assign(field("server"), { value: ADDRESS });
  Object.assign(field("name"), { value: " big " });
  Object.assign(field("key"), { value: KEY });
  form.renderRoot.querySelector("form")!.requestSubmit();
  expect(chosen).toEqual({ address: ADDRESS, model: "big", apiKey: KEY, keepsKey: false });
  expect(field("key").value).toBe("");
});

test.for([false, true])("a key is stored where the user asked for it: %s", async (keepsKey) => {
  const app = new App();
  const chat = document.createElement("fovea-chat");
  app.attach(chat);
  await app.chooseServer({ address: ADDRESS, model: "big", apiKey: KEY, keepsKey });
  const { source, name, isKept } = app.store.state.model;
  expect({ source, name, isKept }).toEqual({ source: `server:${ADDRESS} big`, name: "big", isKept: false });
  expect(chat.model).toBe(source);
  const stored = JSON.stringify(await entries());
  expect(stored.includes(KEY)).toBe(keepsKey);
  expect(JSON.stringify({ ...localStorage })).not.toContain(KEY);
  await app.chooseServer({ address: ADDRESS, model: "big", apiKey: KEY, keepsKey: false });
  expect(JSON.stringify(await entries())).not.toContain(KEY);
});
