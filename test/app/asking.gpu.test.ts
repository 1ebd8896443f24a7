/** The page's logic around scripted engines: which settings a question is asked with, whatever loads meanwhile. */
import { beforeEach, expect, test, vi } from "vitest";
import type { ModelInfo } from "../../src/api.ts";
import { App } from "../../src/app/logic/app.ts";
import { PLAIN_SETTINGS } from "../../src/app/logic/settings.ts";
import { ScriptedLoader, ScriptedModel } from "../element/scripted-engine.ts";
import { tick } from "../element/stage.ts";

const engines = vi.hoisted(() => ({ loader: undefined as unknown as ScriptedLoader }));
vi.mock("../../src/app/engine.ts", async (original) => ({
  ...(await original<object>()),
  loadModel: (source: string, options: object) => engines.loader.load(source, options),
}));

const RECOMMENDED: ModelInfo["defaults"] = {
  compression: { method: "vmtc", ratio: 0.5 },
  inhibition: { maxRatio: 0.6 },
};
const NOTHING: ModelInfo["defaults"] = { compression: { method: "none" }, inhibition: { maxRatio: 0 } };

let app: App;
beforeEach(() => {
  engines.loader = new ScriptedLoader();
  app = new App();
});

const settings = () => app.store.state.settings;
const answers = () => app.store.state.turns.at(-1)!.answers;

async function finishLoad(defaults: ModelInfo["defaults"]): Promise<ScriptedModel> {
  const model = engines.loader.last.finish(new ScriptedModel({ defaults }));
  await tick();
  return model;
}

async function loaded(defaults: ModelInfo["defaults"], name = "m"): Promise<ScriptedModel> {
  void app.models.load(name, name);
  return finishLoad(defaults);
}

test("without a model nothing is compressed; a model brings its recommendations, the next one its own", async () => {
  expect(settings()).toEqual(PLAIN_SETTINGS);
  await loaded(RECOMMENDED);
  expect(settings()).toEqual({ ...PLAIN_SETTINGS, budget: 0.5, inhibition: 0.6 });
  expect(app.store.state.defaults).toEqual(settings());
  await loaded(NOTHING, "other");
  expect(settings()).toEqual(PLAIN_SETTINGS);
});

test("settings of the user stay when a model is loaded, and loaded again", async () => {
  app.set({ maxTokens: 16, stages: 2 });
  await loaded(RECOMMENDED);
  app.set({ budget: 0.25 });
  void app.models.reload();
  await finishLoad(RECOMMENDED);
  expect(settings()).toEqual({ ...PLAIN_SETTINGS, budget: 0.25, inhibition: 0.6, maxTokens: 16, stages: 2 });
});

test("a question that waits for a model is asked as that model recommends", async () => {
  void app.models.load("m", "m");
  void app.asker.ask("What is it?");
  expect(answers()[0]!.settings).toEqual(PLAIN_SETTINGS);
  const model = await finishLoad(RECOMMENDED);
  expect(model.answer.request).toMatchObject(RECOMMENDED);
  expect(answers()[0]!.settings).toEqual(settings());
});

test("compared with both off, only one of them is", async () => {
  app.store.set({ compare: true });
  void app.models.load("m", "m");
  void app.asker.ask("What is it?");
  const model = await finishLoad(RECOMMENDED);
  expect(model.answer.request).toMatchObject(RECOMMENDED);
  model.answer.finish();
  await tick();
  expect(model.answers).toHaveLength(2);
  expect(model.answer.request).toMatchObject({ compression: { method: "none" }, inhibition: { maxRatio: 0 } });
  expect(answers().map(({ settings }) => settings.budget)).toEqual([0.5, 1]);
});
