/** The element as a page uses it: attributes, methods, events, and the engines that elements share. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { FoveaError } from "../../src/errors.ts";
import { STATS } from "../support/fake-model.ts";
import { type ScriptedLoader, ScriptedModel } from "./scripted-engine.ts";
import {
  begin,
  clearStage,
  listen,
  parts,
  pictureFile,
  scriptEngines,
  settled,
  showChat,
  textOf,
  tick,
} from "./stage.ts";

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
    [{ tokens: "576" }, { compression: { method: "none" } }],
    [{ inhibit: "0" }, { inhibition: { maxRatio: 0 } }],
    [
      { inhibit: "0.25", tokens: "8" },
      { inhibition: { maxRatio: 0.25 }, compression: { method: "vmtc", tokens: 8 } },
    ],
  ] as [Record<string, string>, object][])(
    "%j of a picture of 576 tokens ask for %j",
    async ([attributes, expected]) => {
      const chat = await showChat({ model: "m", ...attributes });
      const model = await begin(chat, loader);
      const { messages: _, signal: __, ...settings } = model.answer.request;
      expect(settings).toEqual(expected);
    },
  );

  test.for([
    [{ tokens: "many" }, 'tokens, if it is not "none", must be an integer from 1 to 9007199254740991, got many'],
    [{ tokens: "0" }, 'tokens, if it is not "none", must be an integer from 1 to 9007199254740991, got 0'],
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
    expect(textOf(chat, "status-text")).toBe("No model is chosen.");
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

  test("shows bytes and other tabs, and can be cancelled", async () => {
    const chat = await showChat({ model: "m", autoload: "" });
    loader.last.progress(12.5e6, 44e6);
    await chat.updateComplete;
    expect(textOf(chat, "status-text")).toBe("Loading the model: 12.5 MB of 44.0 MB");
    expect(parts<HTMLProgressElement>(chat, "progress")[0]!.value).toBeCloseTo(12.5 / 44);
    loader.last.options.onWait!(true);
    await chat.updateComplete;
    expect(textOf(chat, "status-text")).toMatch(/^Another tab is using the GPU/);
    parts(chat, "cancel")[0]!.click();
    await settled(chat);
    expect(loader.last.options.signal!.aborted).toBe(true);
    expect(textOf(chat, "status-text")).toBe("The model loads with your first question.");
    expect(parts(chat, "error")).toEqual([]);
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

describe("ask", () => {
  test("gives the answer, and tells of each piece", async () => {
    const chat = await showChat();
    const answer = chat.ask("What is it?");
    await tick();
    const model = loader.last.finish();
    await tick();
    const heard = listen();
    model.answer.write("A ");
    model.answer.write("**cat**.");
    model.answer.finish();
    expect(await answer).toBe("A **cat**.");
    expect(heard).toEqual([
      { name: "fovea-text", detail: { text: "A ", answer: "A " } },
      { name: "fovea-text", detail: { text: "**cat**.", answer: "A **cat**." } },
      { name: "fovea-done", detail: { answer: "A **cat**.", reason: "stop", stats: STATS } },
    ]);
    await chat.updateComplete;
    expect(textOf(chat, "question-text")).toBe("What is it?");
    expect(parts(chat, "answer")[0]!.innerHTML).toBe('<p dir="auto">A <strong>cat</strong>.</p>');
    expect(textOf(chat, "stats")).toMatch(/^8 of 16 image tokens · 3 tokens in/);
  });

  test("brings the conversation, its pictures and the system's part along", async () => {
    const chat = await showChat({ model: "m", system: "Be brief." });
    const [a, b] = [await pictureFile("a.png"), await pictureFile("b.png")];
    const first = chat.ask("What is it?", [a, b]);
    await tick();
    const model = loader.last.finish();
    await tick();
    model.answer.write("Cats.");
    model.answer.finish("length");
    await first;
    chat.ask("Which colour?").catch(() => {});
    await tick();
    expect(model.answer.request.messages).toEqual([
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "image", image: a },
          { type: "image", image: b },
          { type: "text", text: "What is it?" },
        ],
      },
      { role: "assistant", content: "Cats." },
      { role: "user", content: "Which colour?" },
    ]);
    await chat.updateComplete;
    expect(textOf(chat, "remark")).toBe("Cut at the longest answer.");
    expect(parts<HTMLImageElement>(chat, "picture").map(({ alt }) => alt)).toEqual([
      "Picture: a.png",
      "Picture: b.png",
    ]);
  });

  test("takes every kind of picture, and shows it small", async () => {
    const chat = await showChat();
    const canvas = document.createElement("canvas");
    const bitmap = await createImageBitmap(await pictureFile());
    const address = URL.createObjectURL(await pictureFile());
    const image = new Image();
    image.src = address;
    const pictures = [
      await pictureFile(),
      new ImageData(800, 400),
      canvas,
      new OffscreenCanvas(4, 4),
      bitmap,
      address,
      image,
    ];
    chat.ask("What?", pictures).catch(() => {});
    await settled(chat);
    const shown = parts(chat, "picture");
    expect(shown.map(({ tagName }) => tagName)).toEqual(["IMG", "CANVAS", "CANVAS", "CANVAS", "CANVAS", "IMG", "IMG"]);
    expect([(shown[1] as HTMLCanvasElement).width, (shown[1] as HTMLCanvasElement).height]).toEqual([320, 160]);
    await expect(chat.ask("What?", {} as ImageData)).rejects.toThrow(TypeError);
  });

  test("waits for earlier questions", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader, "one");
    const second = chat.ask("two");
    await tick();
    expect(model.answers).toHaveLength(1);
    model.answer.write("1");
    model.answer.finish();
    await tick();
    model.answer.write("2");
    model.answer.finish();
    expect(await second).toBe("2");
    expect(model.answer.request.messages).toHaveLength(3);
  });

  test.for(["", "  \n", undefined, 7])("refuses %j as a question", async (text) => {
    const chat = await showChat();
    await expect(chat.ask(text as string)).rejects.toThrow(TypeError);
    expect(loader.loads).toEqual([]);
  });

  test("does not hold an engine for an element that is in no page", async () => {
    const chat = document.createElement("fovea-chat");
    chat.model = "m";
    await expect(chat.ask("What?")).rejects.toMatchObject({ code: "disposed" });
    expect(loader.loads).toEqual([]);
  });

  test("that fails says why, leaves the question out of what follows, and can be tried again", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader, "one");
    const heard = listen();
    const error = new FoveaError("bad-image", "cat.png: not a picture");
    model.answer.fail(error);
    await settled(chat);
    expect(heard).toEqual([{ name: "fovea-error", detail: { error, code: "bad-image" } }]);
    expect(textOf(chat, "error-text")).toBe("cat.png: not a picture.");
    chat.ask("two").catch(() => {});
    await settled(chat);
    expect(model.answer.request.messages).toEqual([{ role: "user", content: "two" }]);
    model.answer.write("2");
    model.answer.finish();
    await settled(chat);
    parts(chat, "retry")[0]!.click();
    await settled(chat);
    expect(model.answer.request.messages.at(-1)).toEqual({ role: "user", content: "one" });
    expect(textOf(chat, "question-text")).toBe("two | one");
  });

  test("a load that fails ends the question with the same error, told once", async () => {
    const chat = await showChat({ model: "m", autoload: "" });
    const heard = listen();
    const answer = chat.ask("What?");
    const error = new FoveaError("no-webgpu", "this browser has no WebGPU");
    loader.last.fail(error);
    await expect(answer).rejects.toBe(error);
    await settled(chat);
    expect(heard).toHaveLength(1);
    expect(parts(chat, "error")).toHaveLength(1);
  });

  test("a full context is ended by a new conversation, not by another try", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader);
    model.answer.fail(new FoveaError("context-full", "the prompt has 5000 tokens"));
    await settled(chat);
    expect(textOf(chat, "retry")).toBe("New conversation");
    parts(chat, "retry")[0]!.click();
    await settled(chat);
    expect(parts(chat, "turn")).toEqual([]);
  });

  test("a lost device is followed by a new engine", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader);
    model.answer.fail(new FoveaError("device-lost", "the GPU was reset"));
    await settled(chat);
    expect(model.disposals).toBe(1);
    parts(chat, "retry")[0]!.click();
    await settled(chat);
    expect(loader.loads).toHaveLength(2);
  });
});

describe("stop", () => {
  test("ends an answer, which keeps what was written", async () => {
    const chat = await showChat();
    const answer = chat.ask("What?");
    await tick();
    const model = loader.last.finish();
    await tick();
    model.answer.write("A ca");
    await tick();
    const heard = listen();
    chat.stop();
    await expect(answer).rejects.toMatchObject({ code: "aborted" });
    await settled(chat);
    expect(heard).toEqual([{ name: "fovea-done", detail: { answer: "A ca", reason: "abort", stats: STATS } }]);
    expect([textOf(chat, "answer"), textOf(chat, "remark")]).toEqual(["A ca", "Stopped."]);
    expect(model.disposals).toBe(0);
    // The model reads what it said so far.
    chat.ask("Go on.").catch(() => {});
    await tick();
    expect(model.answer.request.messages).toHaveLength(3);
  });

  test("ends a load with the question that waits for it, and all that wait in line", async () => {
    const chat = await showChat();
    const heard = listen();
    const answers = [chat.ask("one"), chat.ask("two")];
    await tick();
    chat.stop();
    for (const answer of answers) await expect(answer).rejects.toMatchObject({ code: "aborted" });
    await settled(chat);
    expect(loader.last.options.signal!.aborted).toBe(true);
    expect(heard.map(({ name, detail }) => [name, detail.reason, detail.stats])).toEqual([
      ["fovea-done", "abort", undefined],
      ["fovea-done", "abort", undefined],
    ]);
    expect(textOf(chat, "question-text")).toBe("one");
    parts(chat, "retry")[0]!.click();
    await settled(chat);
    const model = loader.last.finish();
    await tick();
    model.answer.write("1");
    model.answer.finish();
    await settled(chat);
    expect(textOf(chat, "answer")).toBe("1");
  });

  test("without anything to stop does nothing", async () => {
    const chat = await showChat();
    chat.stop();
    chat.clear();
    const model = await begin(chat, loader);
    expect(model.answers).toHaveLength(1);
  });
});

test("clear forgets the conversation and keeps the model", async () => {
  const chat = await showChat();
  const model = await begin(chat, loader, "one");
  chat.clear();
  await settled(chat);
  expect(parts(chat, "turn")).toEqual([]);
  expect(parts(chat, "empty")).toHaveLength(1);
  expect(model.answer.request.signal!.aborted).toBe(true);
  chat.ask("two").catch(() => {});
  await tick();
  expect(model.answer.request.messages).toEqual([{ role: "user", content: "two" }]);
  expect([loader.loads.length, model.disposals]).toEqual([1, 0]);
});

describe("engines", () => {
  test("are shared by the elements of a page, and freed with the last of them", async () => {
    const [a, b] = [await showChat(), await showChat()];
    const model = await begin(a, loader);
    b.ask("And you?").catch(() => {});
    await tick();
    expect([loader.loads.length, model.answers.length]).toEqual([1, 2]);
    a.remove();
    await tick();
    expect(model.answers[0]!.request.signal!.aborted).toBe(true);
    expect(model.answers[1]!.request.signal!.aborted).toBe(false);
    expect(model.disposals).toBe(0);
    b.remove();
    await tick();
    expect(model.disposals).toBe(1);
  });

  test("stay with an element that is moved", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader);
    model.answer.write("A ");
    const frame = document.createElement("div");
    document.body.append(frame);
    frame.append(chat);
    chat.remove();
    await Promise.resolve();
    document.body.prepend(chat);
    await tick();
    model.answer.write("cat.");
    model.answer.finish();
    await settled(chat);
    expect([textOf(chat, "answer"), model.disposals, loader.loads.length]).toEqual(["A cat.", 0, 1]);
  });

  test("come back with an element that comes back", async () => {
    const chat = await showChat({ model: "m", autoload: "" });
    const model = loader.last.finish();
    chat.remove();
    await tick();
    expect(model.disposals).toBe(1);
    document.body.append(chat);
    await settled(chat);
    expect(loader.loads).toHaveLength(2);
  });

  test("go when another model is chosen, which can be asked at once", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader);
    chat.model = "n";
    const answer = chat.ask("And you?");
    await tick();
    expect([model.disposals, model.answer.request.signal!.aborted]).toEqual([1, true]);
    expect(loader.last.source).toBe("n");
    const other = loader.last.finish(new ScriptedModel());
    await tick();
    other.answer.write("Me too.");
    other.answer.finish();
    expect(await answer).toBe("Me too.");
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
