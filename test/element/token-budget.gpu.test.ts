/** The tokens of a conversation while a question is typed, and a conversation that has become too long. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import type { CountTokensOptions, Message } from "../../src/api.ts";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { FoveaError } from "../../src/errors.ts";
import { type ScriptedLoader, ScriptedModel } from "./scripted-engine.ts";
import { clearStage, part, parts, pictureFile, scriptEngines, settled, showChat, textOf } from "./stage.ts";

const CONTEXT = 80;

/** A token a word, and 30 a picture. */
function tokensOf(messages: readonly Message[]): number {
  const tokens = messages.flatMap(({ content }) =>
    typeof content === "string"
      ? [content.split(" ").length]
      : content.map((part) => (part.type === "text" ? part.text.split(" ").length : 30)),
  );
  return tokens.reduce((sum, count) => sum + count, 0);
}

let loader: ScriptedLoader;
let chat: FoveaChat;
let model: ScriptedModel;
const counted: { messages: Message[]; options: CountTokensOptions | undefined }[] = [];

beforeEach(async () => {
  counted.length = 0;
  loader = scriptEngines();
  chat = await showChat({ model: "m", tokens: "50%" });
});
afterEach(clearStage);

async function loadModel(): Promise<void> {
  const loading = chat.load();
  await settled(chat);
  model = new ScriptedModel();
  model.count = async (messages, options) => {
    counted.push({ messages, options });
    const promptTokens = tokensOf(messages);
    return { promptTokens, imageTokens: 0, pictures: [], isExact: true, contextLength: CONTEXT };
  };
  loader.last.finish(model);
  await loading;
  await settled(chat);
}

/** A question that is answered with one word. */
async function answered(question: string, pictures: File[] = []): Promise<void> {
  const asked = chat.ask(question, pictures);
  await settled(chat);
  model.answer.write("Yes.");
  model.answer.finish();
  await asked;
  await settled(chat);
}

const input = () => part<HTMLTextAreaElement>(chat, "input")!;
const pause = () => new Promise((resolve) => setTimeout(resolve, 400));
const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");

describe("while typing", () => {
  test("the tokens of the whole conversation are counted once the typing pauses", async () => {
    await loadModel();
    await answered(words(10));
    expect(part(chat, "tokens")).toBeUndefined();
    input().focus();
    await userEvent.keyboard("What is it");
    expect(counted).toEqual([]);
    await pause();
    await settled(chat);
    expect(counted).toHaveLength(1);
    expect(counted[0]!.options!.compression).toEqual({ method: "vmtc", ratio: 0.5 });
    // Ten words, an answer of one, and three.
    expect(textOf(chat, "tokens")).toBe("14 of 80 tokens");
    chat.attach([await pictureFile("a.png")]);
    await pause();
    await settled(chat);
    expect(textOf(chat, "tokens")).toBe("44 of 80 tokens");
    await userEvent.clear(input());
    parts(chat, "remove")[0]!.click();
    await settled(chat);
    await settled(chat);
    expect(part(chat, "tokens")).toBeUndefined();
  });

  test("a conversation that is too long says so, and a model that cannot count says nothing", async () => {
    await loadModel();
    input().focus();
    await userEvent.fill(input(), words(90));
    await pause();
    await settled(chat);
    expect(textOf(chat, "tokens")).toBe("90 of 80 tokens: too long");
    model.count = async () => {
      throw new Error("no");
    };
    await userEvent.fill(input(), "less");
    await pause();
    await settled(chat);
    expect(part(chat, "tokens")).toBeUndefined();
  });

  test("nothing is counted before a model is there", async () => {
    input().focus();
    await userEvent.keyboard("What is it");
    await pause();
    expect(loader.loads).toHaveLength(0);
    expect(part(chat, "tokens")).toBeUndefined();
  });
});

describe("a full context", () => {
  const full = () => new FoveaError("context-full", "the prompt is too long");

  /** A question that finds the context full. */
  async function overflow(): Promise<void> {
    chat.ask(words(20)).catch(() => {});
    await settled(chat);
    model.answer.fail(full());
    await settled(chat);
  }

  async function press(text: string): Promise<void> {
    parts(chat, "retry")
      .find((button) => button.textContent.includes(text))!
      .click();
    await settled(chat);
    await settled(chat);
  }

  const askedQuestions = () => model.answer.request.messages.filter(({ role }) => role === "user");

  test("the oldest turns are left out, as few as must go, and stay so", async () => {
    await loadModel();
    await answered(words(20));
    await answered(words(21));
    await answered(words(22));
    await overflow();
    expect(textOf(chat, "retry")).toBe("Leave out the oldest turns | New conversation");
    await press("oldest turns");
    // 83 and three answers are too many, 63 and two leave no eighth for the answer... 65 of 80 do.
    expect(askedQuestions().map(({ content }) => (content as string).split(" ").length)).toEqual([21, 22, 20]);
    expect(parts(chat, "turn")).toHaveLength(4);
    expect(textOf(chat, "remark")).toBe("The model no longer reads this turn.");
    model.answer.write("Done.");
    model.answer.finish();
    await settled(chat);
    await answered("And now?");
    expect(askedQuestions()).toHaveLength(4);
  });

  test("earlier pictures are left out, and their questions stay", async () => {
    await loadModel();
    await answered(words(5), [await pictureFile("a.png")]);
    await answered(words(6), [await pictureFile("b.png")]);
    await overflow();
    expect(textOf(chat, "retry")).toBe("Leave out earlier pictures | Leave out the oldest turns | New conversation");
    await press("pictures");
    const questions = askedQuestions();
    expect(questions).toHaveLength(3);
    expect(typeof questions[0]!.content).toBe("string");
    expect(questions[1]!.content).toHaveLength(2);
    expect(textOf(chat, "remark")).toBe("The model no longer reads the pictures of this turn.");
  });
});
