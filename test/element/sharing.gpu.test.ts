/** The engines that the elements of a page share: how long they stay, and with whom. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ScriptedLoader, ScriptedModel } from "./scripted-engine.ts";
import { begin, clearStage, scriptEngines, settled, showChat, textOf, tick } from "./stage.ts";

let loader: ScriptedLoader;
beforeEach(() => {
  loader = scriptEngines();
});
afterEach(clearStage);

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
