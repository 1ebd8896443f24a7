/** The page's form and conversation around scripted engines: failed turns, examples, pictures that are missing, Stop. */
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { App } from "../../src/app/logic/app.ts";
import { exportMarkdown } from "../../src/app/logic/export.ts";
import { AnswerView } from "../../src/app/parts/answer-view.ts";
import { Composer } from "../../src/app/parts/composer.ts";
import { Conversation } from "../../src/app/parts/conversation.ts";
import { Statistics } from "../../src/app/parts/statistics.ts";
import { SAMPLES } from "../../src/app/scene/samples.ts";
import { FoveaError } from "../../src/errors.ts";
import { ScriptedLoader, ScriptedModel } from "../element/scripted-engine.ts";
import { tick } from "../element/stage.ts";
import { STATS } from "../support/fake-model.ts";

const engines = vi.hoisted(() => ({ loader: undefined as unknown as ScriptedLoader }));
vi.mock("../../src/app/engine.ts", async (original) => ({
  ...(await original<object>()),
  loadModel: (source: string, options: object) => engines.loader.load(source, options),
}));

let app: App;
let model: ScriptedModel;
let composer: Composer;
let conversation: Conversation;

beforeAll(() => {
  customElements.define("app-composer", Composer);
  customElements.define("app-conversation", Conversation);
  customElements.define("app-answer", AnswerView);
  customElements.define("app-statistics", Statistics);
});

async function load(info: ConstructorParameters<typeof ScriptedModel>[0] = {}): Promise<void> {
  void app.models.load("m", "m");
  model = engines.loader.last.finish(new ScriptedModel(info));
  await settled();
}

beforeEach(async () => {
  engines.loader = new ScriptedLoader();
  app = new App();
  composer = document.createElement("app-composer") as Composer;
  conversation = document.createElement("app-conversation") as Conversation;
  const show = () => Object.assign(composer, { app, state: app.store.state });
  const showTurns = () => Object.assign(conversation, { app, state: app.store.state });
  show();
  showTurns();
  const leave = [app.store.subscribe(show), app.store.subscribe(showTurns)];
  document.body.append(conversation, composer);
  onTestFinished(() => {
    for (const unsubscribe of leave) unsubscribe();
    document.body.replaceChildren();
  });
  await load();
});

async function settled(): Promise<void> {
  await tick();
  await composer.updateComplete;
  await conversation.updateComplete;
  await tick();
}

const field = () => composer.renderRoot.querySelector("textarea")!;
const button = () => composer.renderRoot.querySelector<HTMLButtonElement>("button.ask")!;
const note = () => composer.renderRoot.querySelector('[role="status"]')!.textContent!.trim();
const isOff = () => button().getAttribute("aria-disabled") === "true";
const draft = () => app.store.state.draft.map(({ name }) => name);

async function addPicture(name: string): Promise<void> {
  const canvas = new OffscreenCanvas(8, 8);
  canvas.getContext("2d")!.fillRect(0, 0, 4, 4);
  expect(await app.pictures.add(await canvas.convertToBlob(), name)).toBe("");
  await settled();
}

/** Types and sends a question, as a user does. */
async function ask(question: string): Promise<void> {
  await userEvent.fill(field(), question);
  await userEvent.keyboard("{Enter}");
  await settled();
}

async function answer(text: string): Promise<void> {
  model.answer.write(text);
  model.answer.finish();
  await settled();
}

/** Texts of the messages of the newest request, "[image]" for a picture. */
function sent(): string[] {
  return model.answer.request.messages.flatMap(({ content }) =>
    typeof content === "string" ? [content] : content.map((part) => (part.type === "text" ? part.text : "[image]")),
  );
}

describe("a turn without an answer", () => {
  const tooSmall = new FoveaError(
    "bad-image",
    "one.png is 1 x 1 pixels; both sides need at least 2. Use another picture",
  );

  test("is left out of the next question, and gives back its question and its pictures", async () => {
    await addPicture("good.png");
    await ask("What is it?");
    await answer("A cat.");
    await addPicture("one.png");
    await ask("And this?");
    model.answer.fail(tooSmall);
    await settled();
    expect([field().value, draft()]).toEqual(["And this?", ["one.png"]]);
    expect(app.store.state.turns.at(-1)!.answers[0]!.problem).toMatchObject({ code: "bad-image" });

    app.pictures.remove(app.store.state.draft[0]!.id);
    await ask("And now?");
    expect(sent()).toEqual(["[image]", "What is it?", "A cat.", "And now?"]);
    await answer("A dog.");
    await ask("Sure?");
    expect(sent()).toEqual(["[image]", "What is it?", "A cat.", "And now?", "A dog.", "Sure?"]);
  });

  test.for([
    ["a question that is too long", new FoveaError("context-full", "the prompt has 4550 tokens")],
    ["a lost server", new FoveaError("download-failed", "no connection")],
    ["anything else", new Error("oops")],
  ] as const)("because of %s", async ([, error]) => {
    await addPicture("a.png");
    await ask("Long?");
    model.answer.fail(error);
    await settled();
    expect([field().value, draft()]).toEqual(["Long?", ["a.png"]]);
    await ask("Short?");
    expect(sent()).toEqual(["[image]", "Short?"]);
  });

  test("that was stopped before its first word", async () => {
    await addPicture("a.png");
    await ask("First?");
    await userEvent.click(button());
    await settled();
    expect([field().value, draft()]).toEqual(["First?", ["a.png"]]);
    await ask("Second?");
    expect(sent()).toEqual(["[image]", "Second?"]);
  });

  test("of which both compared answers failed; one good answer is enough to go on from", async () => {
    app.store.set({ compare: true });
    await addPicture("a.png");
    await ask("Which?");
    model.answer.fail(tooSmall);
    await settled();
    await answer("The second.");
    expect([field().value, draft()]).toEqual(["", []]);
    await ask("Why?");
    expect(sent()).toEqual(["[image]", "Which?", "The second.", "Why?"]);
  });

  test("takes nothing from a user who has begun another question", async () => {
    await addPicture("a.png");
    await ask("First?");
    await userEvent.fill(field(), "Anoth");
    model.answer.fail(tooSmall);
    await settled();
    expect([field().value, draft()]).toEqual(["Anoth", []]);
  });

  test("keeps its pictures on the page when they are removed from the next question", async () => {
    await addPicture("a.png");
    await ask("What?");
    model.answer.fail(tooSmall);
    await settled();
    app.pictures.remove(app.store.state.draft[0]!.id);
    const { url } = app.store.state.turns[0]!.pictures[0]!;
    expect((await fetch(url)).ok).toBe(true);
  });
});

test("an example brings its question as often as it is chosen", async () => {
  for (let i = 0; i < 2; i++) {
    await app.showSample(SAMPLES[0]!);
    await settled();
    expect([field().value, isOff()]).toEqual([SAMPLES[0]!.question, false]);
    await userEvent.click(button());
    await settled();
    expect(field().value).toBe("");
    await answer("Fruit.");
  }
  await userEvent.fill(field(), "mine");
  await app.showSample(SAMPLES[0]!);
  await settled();
  expect(field().value).toBe(SAMPLES[0]!.question);
});

describe("without a picture", () => {
  test("a model with eyes is not asked, until there is one in the conversation", async () => {
    await userEvent.fill(field(), "What is it?");
    expect([isOff(), note()]).toEqual([true, "Add a picture first."]);
    button().click();
    await userEvent.type(field(), "{Enter}");
    expect(model.answers).toHaveLength(0);
    await addPicture("a.png");
    expect([isOff(), note()]).toEqual([false, ""]);
    await userEvent.click(button());
    await settled();
    await answer("A cat.");
    await userEvent.fill(field(), "Sure?");
    expect([isOff(), note()]).toEqual([false, ""]);
  });

  test("the picture of a turn that failed is none", async () => {
    await addPicture("a.png");
    await ask("What?");
    model.answer.fail(new FoveaError("bad-image", "a.png is 1 x 1 pixels"));
    await settled();
    app.pictures.remove(app.store.state.draft[0]!.id);
    await settled();
    expect([isOff(), note()]).toEqual([true, "Add a picture first."]);
  });

  test("a model that reads text only goes on", async () => {
    await load({ takesPictures: false, imageTokens: 0 });
    await ask("Hello");
    expect(sent()).toEqual(["Hello"]);
  });
});

describe("Stop", () => {
  test("is the button that asks, which keeps the focus", async () => {
    await addPicture("a.png");
    await userEvent.fill(field(), "What?");
    const before = button();
    before.focus();
    await userEvent.keyboard("{Enter}");
    await settled();
    expect(button()).toBe(before);
    expect(button().textContent).toBe("Stop");
    expect(composer.shadowRoot!.activeElement).toBe(before);
    model.answer.write("A ca");
    await settled();
    await userEvent.keyboard("{Enter}");
    await settled();
    expect(app.store.state.busy).toBe(false);
    // The field is empty, so that there is nothing to ask; the button still has the focus.
    expect([button().textContent, isOff()]).toEqual(["Ask", true]);
    expect(composer.shadowRoot!.activeElement).toBe(before);
  });

  test("before the first word leaves no table of zeros", async () => {
    await addPicture("a.png");
    await ask("What?");
    model.answer.finish("abort", { ...STATS, newTokens: 0, totalMs: 409 });
    await settled();
    const shown = () => conversation.renderRoot.querySelector("app-answer")!.shadowRoot!;
    expect(shown().textContent).toContain("Stopped after 409 ms.");
    expect(shown().querySelector("app-statistics")).toBe(null);
    const { turns, model: state } = app.store.state;
    expect(exportMarkdown(turns, state)).not.toContain("0 tokens");

    await ask("Again?");
    model.answer.write("A ca");
    model.answer.finish("abort");
    await settled();
    expect(
      conversation.renderRoot.querySelectorAll("app-answer")[1]!.shadowRoot!.querySelector("app-statistics"),
    ).not.toBe(null);
  });
});

test("a question in Arabic or Hebrew is drawn from the right", async () => {
  await addPicture("a.png");
  await userEvent.fill(field(), "ما هذا؟");
  expect(getComputedStyle(field()).direction).toBe("rtl");
  await userEvent.keyboard("{Enter}");
  await settled();
  const question = conversation.renderRoot.querySelector(".question p")!;
  expect([question.textContent, getComputedStyle(question).direction]).toEqual(["ما هذا؟", "rtl"]);
  await answer("זה חתול.");
  const text = conversation.renderRoot.querySelector("app-answer")!.shadowRoot!.querySelector(".text p")!;
  expect([text.textContent, getComputedStyle(text).direction]).toEqual(["זה חתול.", "rtl"]);
  await ask("What is it?");
  expect(getComputedStyle(conversation.renderRoot.querySelectorAll(".question p")[1]!).direction).toBe("ltr");
});
