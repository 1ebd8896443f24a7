/** What a reload of the page finds: also turns that failed, and what the model no longer reads. */
import { afterEach, expect, test } from "vitest";
import { forgetKept, keep, kept } from "../../src/app/logic/history.ts";
import { PLAIN_SETTINGS, type Settings } from "../../src/app/logic/settings.ts";
import type { ChatTurn } from "../../src/element/fovea-chat.ts";
import { FoveaError } from "../../src/errors.ts";

afterEach(forgetKept);

const ANSWER = { text: "", settings: {}, seen: [] };

function turn(
  question: string,
  answer: Partial<ChatTurn["answers"][number]>,
  change: Partial<ChatTurn> = {},
): ChatTurn {
  const picture = { image: new File(["x"], "a.png"), name: "a.png", view: document.createElement("img") };
  return {
    id: 1,
    question,
    pictures: [picture],
    answers: [{ ...ANSWER, state: "stop", ...answer }],
    shown: 0,
    ...change,
  };
}

async function reloaded(...turns: ChatTurn[]) {
  await keep({ model: "m", settings: PLAIN_SETTINGS, defaults: PLAIN_SETTINGS, turns });
  return (await kept())!.turns;
}

test("a failed answer keeps its reason, and a full context is still one", async () => {
  const found = await reloaded(
    turn("one", { state: "failed", error: new FoveaError("context-full", "the prompt has 900 tokens") }),
    turn("two", { state: "failed", error: new TypeError("maxTokens must be an integer") }),
    turn("three", { text: "3" }),
  );
  const errors = found.map(({ answers }) => answers[0]!.error);
  expect(errors[0]).toBeInstanceOf(FoveaError);
  expect(errors[0]).toMatchObject({ code: "context-full", message: "the prompt has 900 tokens" });
  expect(errors[1]).toMatchObject({ message: "maxTokens must be an integer" });
  expect(errors[2]).toBeUndefined();
  expect((found[2]!.pictures[0]!.image as File).name).toBe("a.png");
});

test("turns that the model no longer reads stay unread", async () => {
  const found = await reloaded(turn("one", { text: "1" }, { leftOut: "turn" }), turn("two", { text: "2" }));
  expect(found.map(({ leftOut }) => leftOut)).toEqual(["turn", undefined]);
});

test("an answer that still runs is not kept", async () => {
  expect((await reloaded(turn("one", { state: "writing", text: "1" })))[0]!.answers).toEqual([]);
});

test("what an older page kept, with fewer settings, has the others' plain values", async () => {
  const { temperature: _, ...fewer } = PLAIN_SETTINGS;
  const old = { settings: { ...fewer, budget: 0.5 } as Settings, defaults: fewer as Settings };
  await keep({ model: "m", ...old, turns: [] });
  expect(await kept()).toMatchObject({ settings: { ...PLAIN_SETTINGS, budget: 0.5 }, defaults: PLAIN_SETTINGS });
});
