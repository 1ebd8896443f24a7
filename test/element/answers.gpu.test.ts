/** Answers after they are written: several to one question, copies, edits, recorded words, another element's conversation. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import type { AnswerAttention, GenerationEvent, ImageFeatures } from "../../src/api.ts";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { type ScriptedLoader, ScriptedModel } from "./scripted-engine.ts";
import {
  begin,
  clearStage,
  part,
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

const SEEN: GenerationEvent = { type: "image", index: 0, tokens: 2, milliseconds: 1, stages: [], views: [] };

/** Of three tokens, "A ", "red ", "cat": one layer that looks at two image tokens. */
const ATTENTION: AnswerAttention = {
  ends: Uint32Array.of(2, 6, 9),
  layers: [
    {
      layer: 0,
      ratio: 0,
      focus: { rows: 3, cols: 2, data: Float32Array.of(1, 0, 0.5, 0.5, 0, 1) },
      inhibited: new Uint8Array(6),
    },
  ],
};

async function answer(chat: FoveaChat, model: ScriptedModel, text: string): Promise<void> {
  model.answer.emit(SEEN);
  model.answer.write(text);
  model.answer.emit({ type: "attention", ...ATTENTION });
  model.answer.finish();
  await settled(chat);
}

async function press(chat: FoveaChat, name: string): Promise<void> {
  part(chat, name)!.click();
  await settled(chat);
}

const questions = (model: ScriptedModel) => model.answer.request.messages.map(({ content }) => content);

describe("several answers to a question", () => {
  test("stand in its place, and what follows goes on from the one that is shown", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader, "one");
    await answer(chat, model, "first");
    expect(part(chat, "versions")).toBeUndefined();
    await press(chat, "again");
    expect(part<HTMLButtonElement>(chat, "again")).toBeUndefined();
    await answer(chat, model, "second");
    expect([textOf(chat, "answer"), textOf(chat, "versions")]).toEqual(["second", "2 / 2"]);
    expect(textOf(chat, "question-text")).toBe("one");
    await press(chat, "previous");
    expect([textOf(chat, "answer"), textOf(chat, "versions")]).toEqual(["first", "1 / 2"]);
    expect(part<HTMLButtonElement>(chat, "previous")!.disabled).toBe(true);
    chat.ask("two").catch(() => {});
    await tick();
    expect(questions(model)).toEqual(["one", "first", "two"]);
  });

  test("have their buttons in one row, however wide the element is", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader, "one");
    await answer(chat, model, "first");
    await press(chat, "again");
    await answer(chat, model, "second");
    const buttons = ["previous", "next", "copy", "again", "inspect"].map((name) => part(chat, name)!);
    for (let width = 280; width <= 800; width += 20) {
      chat.style.inlineSize = `${width}px`;
      const middles = buttons.map((button) => {
        const { top, height } = button.getBoundingClientRect();
        return Math.round(top + height / 2);
      });
      expect(Math.max(...middles) - Math.min(...middles), `${width} pixels`).toBeLessThanOrEqual(1);
    }
  });

  test("are asked for with settings of their own by a page", async () => {
    const chat = await showChat({ model: "m", tokens: "50%" });
    chat.settings = { maxTokens: 7 };
    const model = await begin(chat, loader, "one");
    expect(model.answer.request).toMatchObject({ maxTokens: 7, compression: { ratio: 0.5 } });
    await answer(chat, model, "first");
    const { id } = chat.turns[0]!;
    const second = chat.askAgain(id, { compression: { method: "none" } });
    await tick();
    expect(model.answer.request).toMatchObject({ maxTokens: 7, compression: { method: "none" } });
    await answer(chat, model, "second");
    expect(await second).toBe("second");
    expect(chat.turns[0]!.answers.map(({ text, settings }) => [text, settings.compression])).toEqual([
      ["first", { method: "vmtc", ratio: 0.5 }],
      ["second", { method: "none" }],
    ]);
    await expect(chat.askAgain(99)).rejects.toThrow(new RangeError("no turn has the id 99"));
  });

  test("a failed one is replaced, and does not stay beside the others", async () => {
    const chat = await showChat();
    const model = await begin(chat, loader);
    model.answer.fail(new Error("no"));
    await settled(chat);
    await press(chat, "retry");
    await answer(chat, model, "yes");
    expect([textOf(chat, "answer"), part(chat, "versions"), part(chat, "error")]).toEqual([
      "yes",
      undefined,
      undefined,
    ]);
  });
});

test("an answer is copied as the model wrote it", async () => {
  const written = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
  const chat = await showChat();
  await answer(chat, await begin(chat, loader), "A **cat**.");
  await press(chat, "copy");
  expect(written).toHaveBeenCalledWith("A **cat**.");
  await settled(chat);
  expect(chat.shadowRoot!.querySelector('.hidden[role="status"]')!.textContent).toBe("Copied.");
  written.mockRestore();
});

test("a question is edited: it goes back into the form with its pictures, and what followed is gone", async () => {
  const chat = await showChat();
  chat.ask("What is it?", await pictureFile("a.png")).catch(() => {});
  await tick();
  const model = loader.last.finish();
  await settled(chat);
  expect(part(chat, "edit")).toBeUndefined();
  await answer(chat, model, "A cat.");
  await begin(chat, loader, "Sure?");
  await answer(chat, model, "Yes.");
  await press(chat, "edit");
  expect(parts(chat, "turn")).toEqual([]);
  expect(part<HTMLTextAreaElement>(chat, "input")!.value).toBe("What is it?");
  expect(part<HTMLImageElement>(chat, "picture")!.alt).toBe("Picture: a.png");
  await press(chat, "send");
  expect(model.answer.request.messages).toHaveLength(1);
  // The same text once more: the field follows what it is given, not only what changes.
  await answer(chat, model, "A dog.");
  expect(part<HTMLTextAreaElement>(chat, "input")!.value).toBe("");
  await press(chat, "edit");
  expect(part<HTMLTextAreaElement>(chat, "input")!.value).toBe("What is it?");
  expect(part<HTMLButtonElement>(chat, "send")!.disabled).toBe(false);
});

describe("words", () => {
  /** Starts of the words in the events that reach the page; undefined where the pointer left them. */
  function heardWords(): (number | undefined)[] {
    const heard: (number | undefined)[] = [];
    document.body.addEventListener("fovea-words", ({ detail }) => heard.push(detail.words?.start));
    return heard;
  }

  test("of a recorded answer are pointed at, by pointer, click and keys", async () => {
    const chat = await showChat({ model: "m", record: "" });
    const model = await begin(chat, loader);
    expect(model.answer.request.attention).toBe(true);
    await answer(chat, model, "A red cat");
    const heard = heardWords();
    const word = (text: string) =>
      [...part(chat, "answer")!.querySelectorAll<HTMLElement>(".word")].find(
        ({ textContent }) => textContent === text,
      )!;
    await userEvent.hover(word("red"));
    expect(heard).toEqual([2]);
    expect([word("red").className, word("cat").className]).toEqual(["word looked", "word"]);
    await userEvent.unhover(word("red"));
    expect(heard).toEqual([2, undefined]);
    word("cat").click();
    await userEvent.hover(word("red"));
    // A pinned word stays.
    expect(heard).toEqual([2, undefined, 6]);
    part(chat, "answer")!.focus();
    await userEvent.keyboard("{ArrowLeft}{Home}{End}{Escape}");
    expect(heard.slice(3)).toEqual([2, 0, 6, undefined]);
    expect(chat.turns[0]!.answers[0]).toMatchObject({ seen: [{ tokens: 2 }], attention: { ends: ATTENTION.ends } });
  });

  test("that appear under a resting pointer are not pointed at", async () => {
    const chat = await showChat({ model: "m", record: "" });
    const model = await begin(chat, loader);
    await userEvent.hover(part(chat, "pending")!);
    const heard = heardWords();
    const { top, left } = part(chat, "pending")!.getBoundingClientRect();
    // The whole place of the pending line, so that the pointer rests on a word.
    await answer(chat, model, Array(40).fill("wordwordword").join(" "));
    const below = chat.shadowRoot!.elementsFromPoint(left + 20, top + 12).map(({ className }) => className);
    expect(below).toContain("word");
    // Browsers tell of the new element under the pointer a moment after it was painted.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(heard).toEqual([]);
  });

  test("are not recorded unasked, nor for a model that reads text only", async () => {
    const plain = await showChat();
    expect((await begin(plain, loader)).answer.request).not.toHaveProperty("attention");
    const chat = await showChat({ model: "n", record: "" });
    chat.ask("What?").catch(() => {});
    await tick();
    const model = loader.last.finish(new ScriptedModel({ takesPictures: false, imageTokens: 0 }));
    await settled(chat);
    expect(model.answer.request).not.toHaveProperty("attention");
  });

  test("of an answer that was shown before are marked again", async () => {
    const chat = await showChat({ model: "m", record: "" });
    const model = await begin(chat, loader);
    await answer(chat, model, "A red cat");
    await press(chat, "again");
    await answer(chat, model, "A dog");
    await press(chat, "previous");
    expect(part(chat, "answer")!.querySelectorAll(".word")).toHaveLength(3);
    expect(textOf(chat, "answer")).toBe("A red cat");
  });
});

test("what the model saw is asked for by a button, with the turn's id", async () => {
  const chat = await showChat();
  await answer(chat, await begin(chat, loader), "A cat.");
  const asked: number[] = [];
  chat.addEventListener("fovea-inspect", ({ detail }) => asked.push(detail.turn));
  await press(chat, "inspect");
  expect(asked).toEqual([chat.turns[0]!.id]);
});

test("a conversation moves to another element, pictures and all, and goes on there", async () => {
  const chat = await showChat();
  const picture = await pictureFile("a.png");
  chat.ask("What is it?", picture).catch(() => {});
  await tick();
  const model = loader.last.finish();
  await tick();
  await answer(chat, model, "A cat.");
  await begin(chat, loader, "unfinished");
  const saved = structuredClone(
    chat.turns.map(({ pictures, ...turn }) => ({
      ...turn,
      pictures: pictures.map(({ image }) => ({ image: image as File })),
    })),
  );
  const other = await showChat();
  other.restore(saved);
  await settled(other);
  expect([textOf(other, "question-text"), textOf(other, "answer")]).toEqual(["What is it?", "A cat."]);
  expect(part<HTMLImageElement>(other, "picture")!.alt).toBe("Picture: a.png");
  other.ask("Sure?").catch(() => {});
  await tick();
  loader.last.finish(model);
  await settled(other);
  expect(model.answer.request.messages).toHaveLength(3);
});

test("a classifier names the likeliest classes, and says that it needs a picture", async () => {
  const chat = await showChat();
  const model = new ScriptedModel({ contextLength: 0, canGenerate: false });
  const features = { rows: 4, cols: 1, data: new Float32Array(4) };
  const classes = Array.from({ length: 7 }, (_, id) => ({
    id,
    label: `kind *_${id}_*`,
    logit: 0,
    probability: 0.5 / (id + 1),
  }));
  model.encode = async () => ({ features, classes, stages: [], views: [], milliseconds: 1 }) satisfies ImageFeatures;
  const refused = chat.ask("What?");
  await tick();
  loader.last.finish(model);
  await expect(refused).rejects.toMatchObject({ code: "bad-image" });
  await chat.ask("What?", await pictureFile());
  await settled(chat);
  expect(parts(chat, "answer")[0]!.querySelectorAll("li")).toHaveLength(5);
  expect(textOf(chat, "answer")).toMatch(/^50\.0 % kind \*_0_\* ?25\.0 % kind \*_1_\*/);
});

test("with picture-first, a question waits for a picture", async () => {
  const chat = await showChat({ model: "m", "picture-first": "" });
  chat.focus();
  await userEvent.keyboard("What is it?{Enter}");
  await settled(chat);
  expect(textOf(chat, "note")).toBe("Add a picture first.");
  expect(part<HTMLButtonElement>(chat, "send")!.disabled).toBe(true);
  chat.attach([await pictureFile()]);
  await expect.poll(() => part<HTMLButtonElement>(chat, "send")!.disabled).toBe(false);
  await press(chat, "send");
  const model = loader.last.finish();
  await settled(chat);
  await answer(chat, model, "A cat.");
  await userEvent.keyboard("Sure?{Enter}");
  await tick();
  expect(model.answers).toHaveLength(2);
});
