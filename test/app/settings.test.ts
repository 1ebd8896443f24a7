import { expect, test } from "vitest";
import type { Compression, Inhibition, ModelInfo } from "../../src/api.ts";
import {
  budgetPercent,
  changesText,
  codeOf,
  compressionOf,
  elementSettings,
  followDefaults,
  HALF,
  PLAIN_SETTINGS,
  plainSettings,
  requestOf,
  type Settings,
  settingsOf,
} from "../../src/app/logic/settings.ts";
import { freePlace, KINDS, kindNamed, placeText, sceneText, thing } from "../../src/app/scene/scene.ts";
import { INFO } from "../support/fake-model.ts";

const info: ModelInfo = { ...INFO, imageTokens: 64, contextLength: 128 };

/** A model that recommends these. */
function recommending(compression: Compression, inhibition: Inhibition = { maxRatio: 0 }): ModelInfo {
  return { ...info, defaults: { compression, inhibition } };
}

const DEMO = recommending({ method: "vmtc", ratio: 0.5 }, { maxRatio: 0.6 });

test("a model that recommends nothing gets nothing compressed and nothing inhibited", () => {
  expect(settingsOf(info)).toEqual(PLAIN_SETTINGS);
  expect(requestOf(settingsOf(info), info)).toEqual({
    compression: { method: "none" },
    inhibition: { maxRatio: 0 },
    attention: true,
    // No more than the model can read.
    maxTokens: 128,
    temperature: 0,
  });
});

test("the settings start from what the model recommends, and ask for just that", () => {
  const settings = settingsOf(DEMO);
  expect(settings).toEqual({ ...PLAIN_SETTINGS, budget: 0.5, inhibition: 0.6 });
  expect(requestOf(settings, DEMO)).toMatchObject(DEMO.defaults);
});

test.for([
  [
    { method: "vmtc", tokens: 16, blocks: [1, 2], clusters: 1, merge: "raw", positions: "original" },
    { budget: 0.25, method: "vmtc", stages: 2, clusters: "fuse", merge: "raw", positions: "original" },
  ],
  [
    { method: "vmtc", clusters: 0, stages: 4 },
    { budget: 0.5, stages: 4, clusters: "drop" },
  ],
  [
    { method: "pool", factor: 2 },
    { budget: 0.25, method: "pool" },
  ],
  [
    { method: "prune-last", ratio: 0.3 },
    { budget: 0.3, method: "prune-last" },
  ],
  [{ method: "prumerge" }, { budget: 0.5, method: "prumerge" }],
  [
    { method: "diverse", tokens: 100 },
    { budget: 1, method: "diverse" },
  ],
] as [Compression, Partial<Settings>][])("%j is shown as %j, and asked for as it is", ([compression, shown]) => {
  const model = recommending(compression, { maxRatio: 0.3, score: "discounted-sum", discount: 0.8, scope: "image" });
  const settings = settingsOf(model);
  expect(settings).toMatchObject({ ...shown, inhibition: 0.3, score: "discounted-sum", scope: "image" });
  const isAll = shown.budget === 1;
  expect(requestOf(settings, model)).toMatchObject({
    compression: isAll ? { method: "none" } : compression,
    inhibition: { discount: 0.8 },
  });
  // Changed, they are the panel's own.
  expect(requestOf({ ...settings, inhibition: 0.2 }, model).inhibition).toEqual({
    ...{ maxRatio: 0.2, score: "discounted-sum", schedule: "linear", scope: "image" },
  });
});

test("another model's recommendations replace the last one's, but not what the user changed", () => {
  const [plain, demo] = [settingsOf(info), settingsOf(DEMO)];
  expect(followDefaults(plain, plain, demo)).toEqual(demo);
  expect(followDefaults({ ...plain, maxTokens: 8, watch: false }, plain, demo)).toEqual({
    ...demo,
    ...{ maxTokens: 8, watch: false },
  });
  expect(followDefaults({ ...demo, budget: 0.25 }, demo, plain)).toEqual({ ...plain, budget: 0.25 });
  // The same model again.
  expect(followDefaults({ ...demo, budget: 1 }, demo, demo)).toEqual({ ...demo, budget: 1 });
});

test("half of the tokens is asked for in three even stages, whatever method was chosen before", () => {
  const pooled: Settings = { ...settingsOf(info), method: "pool", stages: 5 };
  expect(compressionOf({ ...pooled, ...HALF }, info)).toMatchObject({ method: "vmtc", ratio: 0.5, stages: 3 });
});

test("without, nothing is compressed and nothing inhibited", () => {
  const { compression, inhibition } = requestOf(plainSettings(settingsOf(DEMO)), DEMO);
  expect(compression).toEqual({ method: "none" });
  expect(inhibition).toMatchObject({ maxRatio: 0 });
});

test("a model that reads text only is asked for nothing about pictures", () => {
  const request = requestOf(settingsOf(DEMO), { ...DEMO, takesPictures: false, imageTokens: 0 });
  expect(Object.keys(request).sort()).toEqual(["maxTokens", "temperature"]);
});

test("each method keeps about the budget", () => {
  const of = (method: Settings["method"], budget: number) => ({ ...PLAIN_SETTINGS, method, budget });
  expect(compressionOf(of("pool", 0.2), info)).toEqual({ method: "pool", factor: 2 });
  expect(budgetPercent(of("pool", 0.2))).toBe(25);
  // The nearest that squares of tokens can do.
  expect(compressionOf(of("pool", 0.4), info)).toEqual({ method: "pool", factor: 2 });
  expect(budgetPercent(of("pool", 0.4))).toBe(25);
  expect(budgetPercent(of("vmtc", 0.4))).toBe(40);
  expect(compressionOf(of("vmtc", 1), info)).toEqual({ method: "none" });
  for (const method of ["prune-last", "prumerge", "diverse"] as const)
    expect(compressionOf(of(method, 0.25), info)).toEqual({ method, ratio: 0.25 });
});

test("the element gets the budget as its tokens where that says all, and any other compression as a setting", () => {
  expect(elementSettings(PLAIN_SETTINGS, undefined)).toEqual({
    tokens: null,
    settings: { maxTokens: 256, temperature: 0 },
  });
  expect(elementSettings(settingsOf(info), info)).toMatchObject({ tokens: null });
  const half = elementSettings({ ...settingsOf(info), ...HALF }, info);
  expect(half).toMatchObject({ tokens: "50%", settings: { inhibition: { maxRatio: 0 } } });
  expect(half.settings).not.toHaveProperty("compression");
  // Its own default is passed as it is, and all tokens have to be asked for.
  expect(elementSettings(settingsOf(DEMO), DEMO)).toMatchObject({
    tokens: null,
    settings: { compression: DEMO.defaults.compression },
  });
  expect(elementSettings({ ...settingsOf(DEMO), budget: 1 }, DEMO).tokens).toBe("none");
  const pooled = elementSettings({ ...settingsOf(info), budget: 0.25, method: "pool" }, info);
  expect(pooled).toMatchObject({ tokens: null, settings: { compression: { method: "pool", factor: 2 } } });
});

test("what is not the model's own is said in words", () => {
  const { defaults } = DEMO;
  const compression = { ratio: 0.5, method: "vmtc" } as const;
  expect(changesText({ compression, inhibition: { maxRatio: 0.6 }, temperature: 0 }, { defaults })).toBe("");
  expect(changesText({}, { defaults })).toBe("");
  expect(changesText({ compression: { ...compression, clusters: 0 } }, { defaults })).toBe(
    "compression vmtc, clusters 0, ratio 0.5",
  );
  expect(
    changesText({ compression: { method: "none" }, inhibition: { maxRatio: 0 }, temperature: 0.7 }, { defaults }),
  ).toBe("compression off; inhibition off; temperature 0.7");
});

test("the settings are copied as a call that compiles", () => {
  const code = codeOf({ ...settingsOf(info), ...HALF, maxTokens: 64 }, info);
  expect(code).toBe(`fovea.generate({
  messages,
  maxTokens: 64,
  temperature: 0,
  compression: { method: "vmtc", ratio: 0.5, stages: 3, clusters: "auto", merge: "normalized", positions: "contiguous" },
  inhibition: { maxRatio: 0 },
});
`);
  const messages = [{ role: "user", content: "Hi" }];
  const fovea = { generate: (request: object) => request };
  const run = new Function("fovea", "messages", `return ${code}`) as (...values: unknown[]) => object;
  const { attention: _, ...request } = requestOf({ ...settingsOf(info), ...HALF, maxTokens: 64 }, info);
  expect(run(fovea, messages)).toEqual({ messages, ...request });
});

test("a scene is told as the model tells it", () => {
  expect(KINDS).toHaveLength(60);
  const things = [
    thing(kindNamed("dog"), { x: 0.1, y: 0.5, size: 0.3, angle: 0 }),
    thing(kindNamed("apple"), { x: 0.9, y: 0.1, size: 0.3, angle: 0 }),
  ];
  const scene = { background: "grass" as const, things };
  expect(sceneText(scene)).toBe("A scene with a dog on the left and an apple in the top right; background: grass.");
  expect(placeText({ x: 0.5, y: 0.5 })).toBe("in the middle");
  expect(freePlace({ ...scene, things: [] }, 0.3)).toEqual({ x: 0.5, y: 0.5 });
  expect(freePlace(scene, 0.3)).toEqual({ x: 0.75, y: 0.75 });
});
