/** Plans of attention inhibition, ranks and thresholds. */
import { describe, expect, test } from "vitest";
import type { Inhibition } from "../../../src/api.ts";
import { ceilRank, isOff, planInhibition, thresholdOf } from "../../../src/model/inhibition/plan.ts";
import { inhibitScores } from "../../reference/inhibit.ts";
import { freshRandom } from "../../support/random.ts";
import { sharedJson } from "../../support/shared.ts";

const decoder = (layers: number) => Array.from({ length: layers }, () => ({ kind: "attention" }));

describe("plan", () => {
  test("the paper's: linear from 0 in the first layer, focus, weights, one quantile a row", () => {
    const plan = planInhibition({ maxRatio: 0.6 }, decoder(4));
    expect(plan).toEqual({
      ratios: [0, 0.6 / 3, 1.2 / 3, (0.6 * 3) / 3],
      weighting: "neighbours",
      literal: false,
      perImage: false,
    });
  });

  test("constant; one layer", () => {
    expect(planInhibition({ maxRatio: 0.5, schedule: "constant" }, decoder(2)).ratios).toEqual([0.5, 0.5]);
    expect(planInhibition({ maxRatio: 0.5, schedule: "constant" }, decoder(1)).ratios).toEqual([0.5]);
    expect(planInhibition({ maxRatio: 0.5 }, decoder(1)).ratios).toEqual([0]);
  });

  test("layers without attention are not inhibited, but count", () => {
    const mixed = ["attention", "convolution", "attention", "convolution", "attention"].map((kind) => ({ kind }));
    expect(planInhibition({ maxRatio: 0.6 }, mixed).ratios).toEqual([0, undefined, 0.3, undefined, 0.6]);
    expect(planInhibition({ maxRatio: 0.6, schedule: "constant" }, mixed.slice(1)).ratios).toEqual([
      ...[undefined, 0.6, undefined, 0.6],
    ]);
    expect(isOff(planInhibition({ maxRatio: 0.6 }, mixed.slice(0, 2)))).toBe(true);
    expect(isOff(planInhibition({ maxRatio: 0.6 }, mixed.slice(0, 3)))).toBe(false);
  });

  test("off where every ratio is 0", () => {
    expect(isOff(planInhibition({ maxRatio: 0, schedule: "constant" }, decoder(3)))).toBe(true);
    expect(isOff(planInhibition({ maxRatio: 0.6 }, decoder(1)))).toBe(true);
    expect(isOff(planInhibition({ maxRatio: 0.01 }, decoder(2)))).toBe(false);
  });

  test("a discount of 1 is the sum, of 0 the row's own attention; 0.9 if not given", () => {
    const weighting = (inhibition: Omit<Inhibition, "maxRatio">) =>
      planInhibition({ maxRatio: 1, ...inhibition }, decoder(2)).weighting;
    expect(weighting({ score: "discounted-sum", discount: 1 })).toBe(weighting({ score: "sum" }));
    expect(weighting({ score: "discounted-sum", discount: 0 })).toBe(weighting({ score: "text-to-image" }));
    expect(weighting({ score: "discounted-sum" })).toBe(0.9);
    expect(weighting({ score: "sum", discount: 0.3 })).toBe(1);
  });

  test.for<[string, unknown, RegExp]>([
    ["RangeError", { maxRatio: 1.01 }, /inhibition\.maxRatio.*from 0 to 1, got 1\.01/],
    ["RangeError", { maxRatio: -0.1 }, /maxRatio/],
    ["RangeError", { maxRatio: Number.NaN }, /maxRatio.*NaN/],
    ["RangeError", {}, /inhibition\.maxRatio.*undefined/],
    ["RangeError", { maxRatio: "0.6" }, /maxRatio/],
    ["RangeError", { maxRatio: 0.6, discount: 2 }, /inhibition\.discount.*2/],
    ["TypeError", { maxRatio: 0.6, score: "mean" }, /inhibition\.score must be "focus" or.*"mean"/],
    ["TypeError", { maxRatio: 0.6, scores: "focus" }, /inhibition\.scores/],
    ["TypeError", { maxRatio: 0.6, schedule: "toString" }, /inhibition\.schedule/],
    ["TypeError", { maxRatio: 0.6, scope: 1 }, /inhibition\.scope.*1/],
    ["TypeError", { maxRatio: 0.6, scopes: "row" }, /inhibition\.scopes is not known; .*maxRatio.*scope/],
    ["TypeError", null, /inhibition/],
    ["TypeError", 0.6, /inhibition/],
  ])("%s for %j", ([name, inhibition, message]) => {
    expect(() => planInhibition(inhibition as Inhibition, decoder(2))).toThrow(
      expect.objectContaining({ name, message: expect.stringMatching(message) }),
    );
  });
});

interface RankCase {
  layers: number;
  layer: number;
  tokens: number;
  maxRatio: number;
  inhibited: number;
}
const ranks = await sharedJson<RankCase[]>("golden/ranks.json");

describe("golden ranks", () => {
  test.for(ranks)("layer $layer of $layers, $tokens tokens, up to $maxRatio: $inhibited", (golden) => {
    const { ratios } = planInhibition({ maxRatio: golden.maxRatio }, decoder(golden.layers));
    expect(ceilRank(ratios[golden.layer]!, golden.tokens)).toBe(golden.inhibited);
  });
});

describe("rank and threshold", () => {
  test("an integer rank, whatever the rounding; one token; all but one", () => {
    expect(ceilRank(0.5, 5)).toBe(2);
    expect(ceilRank((0.6 * 19) / 21, 36)).toBe(19);
    expect(ceilRank((0.6 / 21) * 19, 36)).toBe(19);
    expect(ceilRank(1, 1)).toBe(0);
    expect(ceilRank(1, 576)).toBe(575);
    expect(ceilRank(0, 576)).toBe(0);
  });

  test("the threshold is interpolated; NaN without scores", () => {
    expect(thresholdOf(Float32Array.of(40, 10, 30, 20), 0.5)).toBe(25);
    expect(thresholdOf(Float32Array.of(7), 0.5)).toBe(7);
    expect(thresholdOf(new Float32Array(0), 0.5)).toBeNaN();
    const random = freshRandom("threshold");
    const scores = random.floats(33);
    const { threshold } = inhibitScores(Float64Array.from(scores), 0.37);
    expect(thresholdOf(scores, 0.37)).toBe(threshold);
  });
});
