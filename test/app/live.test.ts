/** The camera's live mode: one picture a question, a pause between answers, and an end that is not an error of the model. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FoveaModel } from "../../src/api.ts";
import { type LiveAnswer, type LiveOptions, PAUSE_MS, watch } from "../../src/app/logic/live.ts";
import { PLAIN_SETTINGS } from "../../src/app/logic/settings.ts";
import { FakeModel, INFO, text } from "../support/fake-model.ts";

let stop: AbortController;
let taken: { close: ReturnType<typeof vi.fn> }[];
let heard: LiveAnswer[];

beforeEach(() => {
  vi.useFakeTimers();
  stop = new AbortController();
  taken = [];
  heard = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function begin(model: FakeModel, settings: Partial<LiveOptions["settings"]> = {}) {
  const take = async () => {
    const picture = { close: vi.fn() };
    taken.push(picture);
    return picture as unknown as ImageBitmap;
  };
  const options: LiveOptions = {
    question: "What now?",
    settings: { ...PLAIN_SETTINGS, ...settings },
    take,
    onAnswer: (answer) => heard.push(answer),
    signal: stop.signal,
  };
  const watching = watch(model as unknown as FoveaModel, options);
  watching.catch(() => {});
  return watching;
}

test("asks about a new picture after each pause, and about nothing else", async () => {
  const model = new FakeModel();
  const watching = begin(model);
  await vi.advanceTimersByTimeAsync(PAUSE_MS - 1);
  expect(model.requests.map(({ messages }) => messages)).toEqual([
    [
      {
        role: "user",
        content: [
          { type: "image", image: taken[0] },
          { type: "text", text: "What now?" },
        ],
      },
    ],
  ]);
  expect(heard.map(({ text }) => text)).toEqual(["A ", "A ", "A cat.", "A cat."]);
  expect(heard.at(-1)).toMatchObject({ number: 1, milliseconds: expect.any(Number) });
  expect(taken[0]!.close).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(model.requests).toHaveLength(2);
  expect(model.requests[1]!.messages).toHaveLength(1);
  expect(heard.at(-1)!.number).toBe(2);
  stop.abort();
  await expect(watching).rejects.toMatchObject({ code: "aborted" });
  await vi.advanceTimersByTimeAsync(10 * PAUSE_MS);
  expect(model.requests).toHaveLength(2);
  expect(taken.every(({ close }) => close.mock.calls.length === 1)).toBe(true);
});

test("a stop in the middle of an answer ends it and closes its picture", async () => {
  const model = new FakeModel([text("A "), "wait"]);
  const watching = begin(model);
  await vi.advanceTimersByTimeAsync(1);
  stop.abort();
  await expect(watching).rejects.toMatchObject({ code: "aborted" });
  expect(taken.map(({ close }) => close.mock.calls.length)).toEqual([1]);
  expect(heard.some(({ milliseconds }) => milliseconds !== undefined)).toBe(false);
});

test("answers are short, and record nothing for overlays", async () => {
  const model = new FakeModel();
  begin(model, { maxTokens: 500, temperature: 0.5 });
  await vi.advanceTimersByTimeAsync(1);
  expect(model.requests[0]).toMatchObject({ maxTokens: 64, temperature: 0.5 });
  expect(model.requests[0]).not.toHaveProperty("attention");
  stop.abort();
});

test("an error of the model ends it", async () => {
  const model = new FakeModel([new Error("lost")]);
  await expect(begin(model)).rejects.toThrow("lost");
  expect(taken[0]!.close).toHaveBeenCalledTimes(1);
});

test("a model of text says so before the camera is read", async () => {
  const model = Object.assign(new FakeModel(), { info: { ...INFO, takesPictures: false } });
  await expect(begin(model)).rejects.toThrow("this model reads text only; choose one that reads pictures");
  expect(taken).toEqual([]);
});
