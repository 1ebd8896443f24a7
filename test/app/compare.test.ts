/** The comparison with compression off: which settings, which runs, and what the verdict says. */
import { expect, test } from "vitest";
import type { FoveaModel, GenerateRequest, ModelInfo } from "../../src/api.ts";
import { compare, comparedSettings, verdict } from "../../src/app/logic/compare.ts";
import { PLAIN_SETTINGS } from "../../src/app/logic/settings.ts";
import type { Comparison } from "../../src/app/logic/state.ts";
import type { ChatTurn } from "../../src/element/fovea-chat.ts";
import { done, FakeModel, STATS, text } from "../support/fake-model.ts";

const side = (answer: string, imageTokensAfter: number, timeToFirstTokenMs: number) => ({
  text: answer,
  stats: { ...STATS, imageTokensAfter, timeToFirstTokenMs },
});

test.for([
  [
    side("A cat.", 32, 100),
    side("A cat.", 64, 160),
    "50 % of the tokens, the same answer, 1.6 × faster to the first word.",
  ],
  [side("A cat.", 16, 100), side("A dog.", 64, 102), "25 % of the tokens, another answer, as fast to the first word."],
  [
    side("A cat.", 64, 150),
    side("A cat.", 64, 100),
    "As many tokens, the same answer, 1.5 × slower to the first word.",
  ],
] as const)("verdict %#", ([a, b, expected]) => {
  expect(verdict(a, b)).toBe(expected);
});

test("settings that change nothing are compared as half of the tokens", () => {
  expect(comparedSettings(PLAIN_SETTINGS).map(({ settings }) => settings.budget)).toEqual([0.5, 1]);
  const [own, plain] = comparedSettings({ ...PLAIN_SETTINGS, budget: 0.25, inhibition: 0.6 });
  expect([own!.settings.budget, own!.settings.inhibition]).toEqual([0.25, 0.6]);
  expect([plain!.settings.budget, plain!.settings.inhibition]).toEqual([1, 0]);
});

function turnOf(question: string, answer: string): ChatTurn {
  return {
    ...{ id: 1, question, pictures: [], shown: 0 },
    answers: [{ text: answer, state: "stop", settings: {}, seen: [] }],
  };
}

test("both ways run once to warm up, then once to measure, with the same conversation", async () => {
  const model = new FakeModel([text("A cat."), done()]);
  const states: Comparison[] = [];
  const turns = [turnOf("One?", "1"), turnOf("Two?", "2")];
  await compare(model as unknown as FoveaModel, turns, PLAIN_SETTINGS, new AbortController().signal, (state) =>
    states.push(state),
  );
  const asked = model.requests.map(({ maxTokens, compression }: GenerateRequest) => [maxTokens, compression?.method]);
  expect(asked).toEqual([
    [2, "vmtc"],
    [2, "none"],
    [64, "vmtc"],
    [64, "none"],
  ]);
  for (const { messages } of model.requests)
    expect(messages.map(({ role, content }) => [role, typeof content === "string" ? content : content.at(-1)])).toEqual(
      [
        ["user", { type: "text", text: "One?" }],
        ["assistant", "1"],
        ["user", { type: "text", text: "Two?" }],
      ],
    );
  expect(states.at(-1)).toMatchObject({ state: "done", text: expect.stringMatching(/the same answer/) });
  expect(states.at(-1)!.sides).toHaveLength(2);
});

test("it asks about what the answer was about: nothing left out, nothing from before the last picture", async () => {
  const image = { width: 2, height: 2 } as ImageData;
  const pictures = [{ image, name: "a" }] as unknown as ChatTurn["pictures"];
  const turns = [
    { ...turnOf("One?", "1"), pictures },
    { ...turnOf("Two?", "2"), pictures, leftOut: "pictures" as const },
    { ...turnOf("Three?", "3"), pictures },
  ];
  const asked = async (info: Partial<ModelInfo>) => {
    const model = new FakeModel([text("A cat."), done()]);
    Object.assign(model, { info: { ...model.info, ...info } });
    const { signal } = new AbortController();
    await compare(model as unknown as FoveaModel, turns, PLAIN_SETTINGS, signal, () => {});
    const { messages } = model.requests.at(-1)!;
    return messages.map(({ content }) => (typeof content === "string" ? content : content!.length));
  };
  expect(await asked({})).toEqual([2, "1", 1, "2", 2]);
  expect(await asked({ maxPictures: 1 })).toEqual([2]);
});

test("a failure is said", async () => {
  const states: Comparison[] = [];
  const model = new FakeModel([new Error("no memory")]);
  await compare(
    model as unknown as FoveaModel,
    [turnOf("One?", "1")],
    PLAIN_SETTINGS,
    new AbortController().signal,
    (state) => states.push(state),
  );
  expect(states.at(-1)).toMatchObject({ state: "failed", text: "no memory" });
});
