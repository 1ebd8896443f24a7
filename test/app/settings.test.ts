import { expect, test } from "vitest";
import type { ModelInfo } from "../../src/api.ts";
import { Rate } from "../../src/app/logic/rate.ts";
import {
  budgetPercent,
  compressionOf,
  DEFAULT_SETTINGS,
  plainSettings,
  requestOf,
  settingsText,
} from "../../src/app/logic/settings.ts";
import { freePlace, KINDS, kindNamed, placeText, sceneText, thing } from "../../src/app/scene/scene.ts";

const info = { imageTokens: 64, takesPictures: true, contextLength: 128 } as ModelInfo;

test("the defaults are the paper's", () => {
  expect(requestOf(DEFAULT_SETTINGS, info)).toEqual({
    compression: {
      method: "vmtc",
      ratio: 0.5,
      stages: 3,
      clusters: "auto",
      merge: "normalized",
      positions: "contiguous",
    },
    inhibition: { maxRatio: 0.6, score: "focus", schedule: "linear", scope: "row" },
    attention: true,
    // No more than the model can read.
    maxTokens: 128,
    temperature: 0,
  });
  expect(settingsText(DEFAULT_SETTINGS)).toBe("50 % of the image tokens, inhibition up to 60 %");
});

test("without, nothing is compressed and nothing inhibited", () => {
  const { compression, inhibition } = requestOf(plainSettings(DEFAULT_SETTINGS), info);
  expect(compression).toEqual({ method: "none" });
  expect(inhibition).toMatchObject({ maxRatio: 0 });
});

test("a model that reads text only is asked for nothing about pictures", () => {
  const request = requestOf(DEFAULT_SETTINGS, { ...info, takesPictures: false, imageTokens: 0 });
  expect(Object.keys(request).sort()).toEqual(["maxTokens", "temperature"]);
});

test("each method keeps about the budget", () => {
  const of = (method: typeof DEFAULT_SETTINGS.method, budget: number) => ({ ...DEFAULT_SETTINGS, method, budget });
  expect(compressionOf(of("pool", 0.25), info)).toEqual({ method: "pool", factor: 2 });
  expect(budgetPercent(of("pool", 0.25))).toBe(25);
  // The nearest that squares of tokens can do.
  expect(compressionOf(of("pool", 0.4), info)).toEqual({ method: "pool", factor: 2 });
  expect(budgetPercent(of("pool", 0.4))).toBe(25);
  expect(budgetPercent(of("vmtc", 0.4))).toBe(40);
  expect(compressionOf(of("prune-last", 0.25), info)).toEqual({ method: "prune-last", ratio: 0.25 });
  expect(compressionOf(of("prumerge", 1 / 64), info)).toEqual({ method: "prumerge", ratio: 1 / 64 });
  expect(compressionOf(of("vmtc", 1), info)).toEqual({ method: "none" });
});

test("a rate is that of the last seconds", () => {
  const rate = new Rate();
  // What was on disk comes at once.
  expect(rate.add(1_000_000, 0)).toBe(0);
  expect(rate.add(1_000_500, 1000)).toBe(500);
  rate.add(1_002_500, 5000);
  expect(rate.add(1_004_500, 9000)).toBe(500);
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
