/** What the element says of a model: what it is for, how many pictures it keeps apart, and that its GPU is not ready yet. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { FoveaError } from "../../src/errors.ts";
import { type ScriptedLoader, ScriptedModel } from "./scripted-engine.ts";
import { clearStage, parts, pictureFile, scriptEngines, settled, showChat, textOf, tick, transferOf } from "./stage.ts";

let loader: ScriptedLoader;
let chat: FoveaChat;
let model: ScriptedModel;
beforeEach(async () => {
  loader = scriptEngines();
  chat = await showChat({ model: "m", autoload: "" });
  model = loader.last.finish(new ScriptedModel({ note: "Knows emoji scenes.", maxPictures: 1 }));
  await settled(chat);
});
afterEach(clearStage);

async function ask(question: string, ...pictures: File[]): Promise<void> {
  chat.ask(question, pictures).catch(() => {});
  await tick();
}

async function answer(text: string): Promise<void> {
  model.answer.write(text);
  model.answer.finish();
  await settled(chat);
}

const questions = () =>
  model.answer.request.messages
    .filter(({ role }) => role === "user")
    .map(({ content }) => (typeof content === "string" ? content : (content!.at(-1) as { text: string }).text));

test("its note is under the first answer about a picture, once it is finished", async () => {
  await ask("Hello");
  await answer("Hi");
  expect(textOf(chat, "model-note")).toBe("");
  await ask("What is it?", await pictureFile());
  model.answer.write("A taco");
  await settled(chat);
  expect(textOf(chat, "model-note")).toBe("");
  model.answer.finish();
  await settled(chat);
  expect(textOf(chat, "model-note")).toBe("About this model: Knows emoji scenes.");
  await ask("Sure?");
  await answer("Yes");
  expect(parts(chat, "model-note")).toHaveLength(1);
});

test("a picture more than it keeps apart begins anew, and the turns before are said to be left out", async () => {
  await ask("one", await pictureFile("a.png"));
  await answer("1");
  await ask("and?");
  await answer("1 and");
  expect(questions()).toEqual(["one", "and?"]);
  await ask("two", await pictureFile("b.png"));
  expect(questions()).toEqual(["two"]);
  await answer("2");
  expect(textOf(chat, "remark")).toMatch(
    /^The model no longer reads this turn\..*\| The model no longer reads this turn\.$/,
  );
  await ask("so?");
  expect(questions()).toEqual(["two", "so?"]);
});

test("a failed question about another picture leaves the one before it in place", async () => {
  await ask("one", await pictureFile("a.png"));
  await answer("1");
  await ask("two", await pictureFile("b.png"));
  model.answer.fail(new FoveaError("bad-image", "b.png is 1 x 1 pixels"));
  await settled(chat);
  await ask("three");
  expect(questions()).toEqual(["one", "three"]);
});

test("a question with more pictures than it keeps apart says so before it is asked", async () => {
  chat.attach([await pictureFile("a.png")]);
  await settled(chat);
  expect(textOf(chat, "note")).toBe("");
  chat.attach([await pictureFile("b.png")]);
  await settled(chat);
  expect(textOf(chat, "note")).toBe("This model keeps only one picture apart. Remove the others.");
});

test("a model that keeps several apart reads them all", async () => {
  const other = await showChat({ model: "several" });
  other.ask("one", await pictureFile("a.png")).catch(() => {});
  await tick();
  model = loader.last.finish();
  await settled(other);
  model.answer.write("1");
  model.answer.finish();
  await settled(other);
  other.ask("two", await pictureFile("b.png")).catch(() => {});
  await tick();
  expect(questions()).toEqual(["one", "two"]);
});

test("while shaders compile, the answer says that the GPU is being prepared", async () => {
  await ask("one", await pictureFile());
  await settled(chat);
  expect(textOf(chat, "pending")).toBe("Looking at the picture");
  model.answer.emit({ type: "compiling" });
  await settled(chat);
  expect(textOf(chat, "pending")).toBe("Preparing the GPU, for the first question only");
  model.answer.emit({ type: "image", index: 0, tokens: 2, milliseconds: 1, stages: [], views: [] });
  await settled(chat);
  expect(textOf(chat, "pending")).toBe("Looking at the picture");
});

test("pictures in the form have a focus ring above the next one", async () => {
  chat.dispatchEvent(
    new DragEvent("drop", { dataTransfer: transferOf(await pictureFile("a.png"), await pictureFile("b.png")) }),
  );
  await settled(chat);
  const [first, second] = parts(chat, "tray-item");
  parts<HTMLButtonElement>(chat, "remove")[0]!.focus();
  const level = (item: HTMLElement) => Number(getComputedStyle(item).zIndex) || 0;
  expect(level(first!)).toBeGreaterThan(level(second!));
});

test("after fifteen questions the form is where it was", async () => {
  const bottom = () => parts(chat, "composer")[0]!.getBoundingClientRect().bottom;
  const before = bottom();
  const answers = [{ text: "A cat.", state: "stop" as const, settings: {}, seen: [] }];
  chat.restore(Array.from({ length: 15 }, () => ({ question: "What is it?", pictures: [], answers, shown: 0 })));
  await settled(chat);
  expect(parts(chat, "turn")).toHaveLength(15);
  expect(bottom()).toBe(before);
  expect(parts(chat, "frame")[0]!.getBoundingClientRect().bottom).toBeGreaterThan(before);
});
