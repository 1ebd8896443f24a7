/** Asking the element: answers, conversations, errors, stop and clear. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { GenerationStats } from "../../src/api.ts";
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
      { name: "fovea-done", detail: { answer: "A **cat**.", reason: "stop", stats: STATS, toolCalls: [] } },
    ]);
    await chat.updateComplete;
    expect(textOf(chat, "question-text")).toBe("What is it?");
    // The parser of Markdown comes with the first answer that needs it.
    const shown = () => parts(chat, "answer")[0]!.innerHTML;
    await expect.poll(shown).toBe('<p dir="auto">A <strong>cat</strong>.</p>');
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
    expect(textOf(chat, "remark")).toBe("Stopped at the length limit.");
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
    // In its place: what came later is not part of the question.
    expect(model.answer.request.messages).toEqual([{ role: "user", content: "one" }]);
    expect(textOf(chat, "question-text")).toBe("one | two");
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
    expect(heard).toEqual([
      { name: "fovea-done", detail: { answer: "A ca", reason: "abort", stats: STATS, toolCalls: [] } },
    ]);
    expect([textOf(chat, "answer"), textOf(chat, "remark")]).toEqual(["A ca", "Stopped."]);
    expect(model.disposals).toBe(0);
    // The model reads what it said so far.
    chat.ask("Go on.").catch(() => {});
    await tick();
    expect(model.answer.request.messages).toHaveLength(3);
  });

  test("before the first token leaves no statistics of nothing", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader);
    model.answer.finish("abort", { ...STATS, newTokens: 0 });
    await settled(chat);
    expect([textOf(chat, "remark"), textOf(chat, "stats"), textOf(chat, "answer")]).toEqual(["Stopped.", "", ""]);
    expect(textOf(chat, "retry")).toBe("Ask again");
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

describe("half of the image tokens", () => {
  const [picture] = STATS.pictures;
  /** An answer that a picture's 16 tokens kept waiting. */
  const WHOLE = {
    ...STATS,
    ...{ pictures: [{ ...picture!, tokensAfter: 16 }], imageTokensAfter: 16 },
    ...{ promptTokens: 32, visionMs: 50, prefillMs: 40, timeToFirstTokenMs: 100 },
  };

  async function answered(chat: FoveaChat, model: ScriptedModel, stats: GenerationStats): Promise<void> {
    model.answer.write("A cat.");
    model.answer.finish("stop", stats);
    await settled(chat);
  }

  async function press(chat: FoveaChat): Promise<void> {
    parts(chat, "half-button")[0]!.click();
    await settled(chat);
  }

  test("are offered under the last answer, switched by one press, and back", async () => {
    const chat = await showChat({ model: "m", tokens: "none" });
    const model = await begin(chat, loader, "one");
    expect(parts(chat, "half")).toEqual([]);
    await answered(chat, model, WHOLE);
    expect(textOf(chat, "half")).toBe(
      "Half of the image tokens would show the first word about 25 % sooner. Use half of the tokens",
    );
    await press(chat);
    expect([chat.tokens, chat.getAttribute("tokens")]).toEqual(["50%", "50%"]);
    expect(textOf(chat, "half")).toBe("Questions now use half of the image tokens. All image tokens");
    await begin(chat, loader, "two");
    expect(model.answer.request.compression).toEqual({ method: "vmtc", ratio: 0.5 });
    await answered(chat, model, STATS);
    expect(parts(chat, "half")).toHaveLength(1);
    await press(chat);
    expect(chat.tokens).toBe("none");
    expect(textOf(chat, "half")).toBe("Questions now use all image tokens. Use half of the tokens");
    await begin(chat, loader, "three");
    expect(model.answer.request.compression).toEqual({ method: "none" });
  });

  test("go back to the model's default where the page chose nothing", async () => {
    const chat = await showChat();
    await answered(chat, await begin(chat, loader), WHOLE);
    await press(chat);
    await press(chat);
    expect([chat.tokens, chat.hasAttribute("tokens")]).toEqual([null, false]);
  });

  test.for([
    ["the page chose a number", { tokens: "100" }, {}],
    ["the page chose half itself", { tokens: "50%" }, {}],
    ["the model compresses by default", {}, { compression: { method: "vmtc", ratio: 0.5 } }],
  ] as const)("are not offered where %s", async ([, attributes, defaults]) => {
    const chat = await showChat({ model: "m", ...attributes });
    chat.ask("one").catch(() => {});
    await tick();
    const model = new ScriptedModel({
      defaults: { compression: { method: "none" }, inhibition: { maxRatio: 0 }, ...defaults },
    });
    loader.last.finish(model);
    await settled(chat);
    await answered(chat, model, WHOLE);
    expect(parts(chat, "stats")).toHaveLength(1);
    expect(parts(chat, "half")).toEqual([]);
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
