/** The hook, in a browser, with a model without an engine: loads, answers, stops, changes of model, strict mode. */
import { act, createElement, StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FoveaModel, LoadProgress, WorkerOptions } from "../../src/api.ts";
import { type FoveaHook, useFovea } from "../../src/react/index.ts";
import { done, FakeModel, text } from "../support/fake-model.ts";

interface Loading {
  source: unknown;
  options: WorkerOptions;
  finish(model: FakeModel): void;
  fail(error: unknown): void;
}

let root: Root;
let hook: FoveaHook;
let loads: Loading[];
const disposed: FakeModel[] = [];

const load = (source: unknown, options: WorkerOptions) =>
  new Promise<FoveaModel>((resolve, reject) => {
    const finish = (model: FakeModel) => {
      Object.assign(model, { dispose: () => void disposed.push(model) });
      resolve(model as unknown as FoveaModel);
    };
    loads.push({ source, options, finish, fail: reject });
    options.signal!.addEventListener("abort", () => reject(options.signal!.reason));
  });

function Probe({ source }: { source: string }) {
  hook = useFovea(source, { load, maxContext: 64 });
  return null;
}

const show = (source: string, strict = false) => {
  const probe = createElement(Probe, { source });
  return act(async () => root.render(strict ? createElement(StrictMode, null, probe) : probe));
};

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  loads = [];
  disposed.length = 0;
  root = createRoot(document.createElement("div"));
});
afterEach(() => act(async () => root.unmount()));

test("loads with its options, tells the progress, and answers in steps", async () => {
  await show("a/model");
  expect(hook).toMatchObject({ status: "loading", model: undefined, answer: "" });
  const { source, options, finish } = loads[0]!;
  expect([source, options.maxContext]).toEqual(["a/model", 64]);
  const progress: LoadProgress = { stage: "weights", loadedBytes: 1, totalBytes: 2 };
  await act(async () => options.onProgress!(progress));
  expect(hook.progress).toEqual(progress);
  const model = new FakeModel([text("A "), "wait"]);
  await act(async () => finish(model));
  expect(hook).toMatchObject({ status: "ready", progress: undefined, model });

  let answer: Promise<string | undefined>;
  const picture = new Blob();
  await act(async () => {
    answer = hook.ask("What?", picture);
  });
  expect(hook).toMatchObject({ status: "answering", answer: "A " });
  expect(model.requests.at(-1)!.messages).toEqual([
    {
      role: "user",
      content: [
        { type: "image", image: picture },
        { type: "text", text: "What?" },
      ],
    },
  ]);
  await act(async () => hook.stop());
  expect(await answer!).toBe("A ");
  expect(hook).toMatchObject({ status: "ready", answer: "A ", error: undefined });

  model.steps = [text("A cat."), done()];
  await act(async () => {
    answer = hook.ask({ messages: [{ role: "user", content: "Again" }], maxTokens: 3 });
  });
  expect(await answer!).toBe("A cat.");
  expect(hook).toMatchObject({ status: "ready", answer: "A cat.", reason: "stop", stats: { newTokens: 3 } });
  expect(model.requests.at(-1)!.maxTokens).toBe(3);
});

test("what comes of an answer after the next question changes nothing", async () => {
  await show("a/model");
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const model = new FakeModel([text("New."), done()]);
  await act(async () => loads[0]!.finish(model));
  // A worker's text may be on its way when the answer is stopped.
  const slow = async function* () {
    await gate;
    yield text("Old.");
    yield done();
  };
  const generate = vi.spyOn(model, "generate").mockReturnValueOnce(slow() as never);
  let first: Promise<string | undefined>;
  await act(async () => {
    first = hook.ask("What?");
  });
  await act(async () => void (await hook.ask("And now?")));
  expect(hook).toMatchObject({ status: "ready", answer: "New.", reason: "stop" });
  await act(async () => release());
  await act(async () => void (await first));
  expect(generate).toHaveBeenCalledTimes(2);
  expect(hook).toMatchObject({ status: "ready", answer: "New.", reason: "stop", error: undefined });
});

test("a failed answer leaves the model ready; a failed load can be repeated", async () => {
  await show("a/model");
  await act(async () => loads[0]!.fail(new Error("no network")));
  expect(hook).toMatchObject({ status: "error", error: { message: "no network" }, model: undefined });
  await expect(hook.ask("What?")).rejects.toMatchObject({ code: "disposed" });
  await act(async () => hook.reload());
  expect(hook).toMatchObject({ status: "loading", error: undefined });
  await act(async () => loads[1]!.finish(new FakeModel([text("A "), new Error("device lost")])));
  await act(async () => void (await hook.ask("What?")));
  expect(hook).toMatchObject({ status: "ready", answer: "A ", error: { message: "device lost" } });
});

test("another source frees the model and loads the other; leaving frees it too", async () => {
  await show("a/first");
  const first = new FakeModel(["wait"]);
  await act(async () => loads[0]!.finish(first));
  await act(async () => void hook.ask("What?"));
  await show("a/second");
  await first.aborted;
  expect(disposed).toEqual([first]);
  expect(hook).toMatchObject({ status: "loading", model: undefined, answer: "" });
  expect(loads[1]!.source).toBe("a/second");
  const second = new FakeModel();
  await act(async () => loads[1]!.finish(second));
  expect(hook.model).toBe(second);
  await act(async () => root.render(null));
  expect(disposed).toEqual([first, second]);
});

test("strict mode, which mounts twice, keeps one model", async () => {
  await show("a/model", true);
  expect(loads.map(({ options }) => options.signal!.aborted)).toEqual([true, false]);
  const model = new FakeModel();
  await act(async () => loads[1]!.finish(model));
  expect(hook).toMatchObject({ status: "ready", model });
  expect(disposed).toEqual([]);
});
