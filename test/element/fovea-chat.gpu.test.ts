/** The element as a page uses it: attributes, properties, loading, events. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { FoveaError } from "../../src/errors.ts";
import type { ScriptedLoader } from "./scripted-engine.ts";
import { begin, clearStage, listen, parts, scriptEngines, settled, showChat, textOf, tick } from "./stage.ts";

const TOKENS = 'tokens (unless "none" or a share such as "50%")';

let loader: ScriptedLoader;
beforeEach(() => {
  loader = scriptEngines();
});
afterEach(clearStage);

describe("attributes", () => {
  test("are properties of the same names, both ways", async () => {
    const chat = await showChat({
      model: "hf:a/b",
      tokens: "144",
      inhibit: "0.4",
      system: "Be brief.",
      placeholder: "Ask me",
    });
    expect([chat.model, chat.tokens, chat.inhibit, chat.system, chat.placeholder, chat.autoload]).toEqual([
      "hf:a/b",
      144,
      0.4,
      "Be brief.",
      "Ask me",
      false,
    ]);
    expect(parts<HTMLTextAreaElement>(chat, "input")[0]!.placeholder).toBe("Ask me");
    Object.assign(chat, { model: "m", tokens: "none", inhibit: 0, system: null, placeholder: "Now", autoload: true });
    await chat.updateComplete;
    const attributes = Object.fromEntries([...chat.attributes].map(({ name, value }) => [name, value]));
    expect(attributes).toEqual({ model: "m", tokens: "none", inhibit: "0", placeholder: "Now", autoload: "" });
  });

  test.for([
    [{}, {}],
    [{ tokens: "none" }, { compression: { method: "none" } }],
    [{ tokens: "144" }, { compression: { method: "vmtc", tokens: 144 } }],
    [{ tokens: "50%" }, { compression: { method: "vmtc", ratio: 0.5 } }],
    [{ tokens: " 12.5% " }, { compression: { method: "vmtc", ratio: 0.125 } }],
    [{ inhibit: "0" }, { inhibition: { maxRatio: 0 } }],
    [
      { inhibit: "0.25", tokens: "8" },
      { inhibition: { maxRatio: 0.25 }, compression: { method: "vmtc", tokens: 8 } },
    ],
  ] as [Record<string, string>, object][])("%j ask for %j", async ([attributes, expected]) => {
    const chat = await showChat({ model: "m", ...attributes });
    const model = await begin(chat, loader);
    const { messages: _, signal: __, ...settings } = model.answer.request;
    expect(settings).toEqual(expected);
  });

  test.for([
    [{ tokens: "many" }, `${TOKENS} must be an integer from 1 to 9007199254740991, got many`],
    [{ tokens: "0" }, `${TOKENS} must be an integer from 1 to 9007199254740991, got 0`],
    [{ tokens: "0%" }, `${TOKENS} must be an integer from 1 to 9007199254740991, got 0%`],
    [{ tokens: "101%" }, `${TOKENS} must be an integer from 1 to 9007199254740991, got 101%`],
    [{ inhibit: "1.5" }, "inhibit must be a number from 0 to 1, got 1.5"],
    [{ inhibit: "much" }, "inhibit must be a number from 0 to 1, got much"],
  ] as [Record<string, string>, string][])("%j is refused when a question is asked", async ([attributes, message]) => {
    const chat = await showChat({ model: "m", ...attributes });
    const answer = chat.ask("What?");
    await tick();
    loader.last.finish();
    await expect(answer).rejects.toThrow(new RangeError(message));
    expect(textOf(chat, "error-text").toLowerCase()).toContain(message.toLowerCase());
  });

  test("a model's address may be relative to the page", async () => {
    const chat = await showChat({ model: "./models/a" });
    chat.load().catch(() => {});
    expect(loader.last.source).toBe(new URL("./models/a", document.baseURI).href);
  });

  test("without a model there is nothing to ask", async () => {
    const chat = await showChat({});
    const heard = listen();
    await expect(chat.ask("What?")).rejects.toThrow(/set the attribute "model"/);
    expect(heard.map(({ name }) => name)).toEqual(["fovea-error"]);
    expect(textOf(chat, "status-text")).toBe("No model selected.");
  });
});

describe("loading", () => {
  test("waits for the first question", async () => {
    const chat = await showChat();
    await tick();
    expect(loader.loads).toEqual([]);
    chat.ask("What?").catch(() => {});
    await tick();
    expect(loader.loads.map(({ source }) => source)).toEqual(["m"]);
  });

  test("begins at once with autoload, also when it is set later, and tells how far it is", async () => {
    const heard = listen();
    const chat = await showChat({ model: "m", autoload: "" });
    expect(loader.loads).toHaveLength(1);
    loader.last.progress(1e6, 4e6);
    loader.last.options.onWait!(true);
    loader.last.options.onWait!(false);
    const model = loader.last.finish();
    await settled(chat);
    const file = { stage: "weights", file: "model.safetensors", loadedBytes: 1e6, totalBytes: 4e6 };
    expect(heard).toEqual([
      { name: "fovea-progress", detail: { ...file, waiting: false } },
      { name: "fovea-progress", detail: { ...file, waiting: true } },
      { name: "fovea-progress", detail: { ...file, waiting: false } },
      { name: "fovea-ready", detail: { info: model.info } },
    ]);
    const later = await showChat({ model: "n" });
    later.autoload = true;
    await later.updateComplete;
    expect(loader.last.source).toBe("n");
  });

  test("shows bytes and other tabs, and a download can be paused and resumed", async () => {
    const chat = await showChat({ model: "m", autoload: "" });
    loader.last.progress(12.5e6, 44e6);
    await chat.updateComplete;
    expect(textOf(chat, "status-text")).toBe("Loading the model: 12.5 MB of 44.0 MB");
    expect(parts<HTMLProgressElement>(chat, "progress")[0]!.value).toBeCloseTo(12.5 / 44);
    loader.last.options.onWait!(true);
    await chat.updateComplete;
    expect(textOf(chat, "status-text")).toMatch(/^Waiting: another tab is using the GPU/);
    expect(textOf(chat, "cancel")).toBe("Cancel");
    loader.last.options.onWait!(false);
    await chat.updateComplete;
    expect(textOf(chat, "cancel")).toBe("Pause");
    parts(chat, "cancel")[0]!.click();
    await settled(chat);
    expect(loader.last.options.signal!.aborted).toBe(true);
    expect(textOf(chat, "status-text")).toBe("Paused at 12.5 MB of 44.0 MB. Downloaded parts are kept.");
    expect(parts(chat, "error")).toEqual([]);
    expect(textOf(chat, "load")).toBe("Resume");
    parts(chat, "load")[0]!.click();
    await settled(chat);
    expect(loader.loads).toHaveLength(2);
  });

  test("that fails says why in a sentence, once, and can be tried again", async () => {
    const heard = listen();
    const chat = await showChat({ model: "m", autoload: "" });
    const error = new FoveaError("download-failed", "config.json: status 503");
    loader.last.fail(error);
    await settled(chat);
    expect(heard).toEqual([{ name: "fovea-error", detail: { error, code: "download-failed" } }]);
    expect(textOf(chat, "error-text")).toBe("config.json: status 503.");
    parts(chat, "retry")[0]!.click();
    await settled(chat);
    expect(loader.loads).toHaveLength(2);
    loader.last.finish();
    await settled(chat);
    expect(parts(chat, "error")).toEqual([]);
    expect(parts(chat, "status")).toEqual([]);
  });
});

test("events reach listeners of every kind by their types", async () => {
  const chat: FoveaChat = await showChat();
  const told: string[] = [];
  chat.addEventListener("fovea-done", ({ detail }) => told.push(detail.answer));
  document.addEventListener("fovea-done", ({ detail }) => told.push(detail.reason), { once: true });
  const model = await begin(chat, loader);
  model.answer.write("Yes.");
  model.answer.finish();
  await tick();
  expect(told).toEqual(["Yes.", "stop"]);
});
