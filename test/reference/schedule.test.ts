/** The stage schedule against the numbers of the specification, and the refusals. */
import { describe, expect, test } from "vitest";
import { checkStageBlocks, stageBlocks, stageClusters, stageTokens, tokenBudget } from "./schedule.ts";

describe("schedule", () => {
  test.for([
    [24, 3, [6, 12, 18]],
    [7, 3, [1, 3, 5]],
    [6, 3, [1, 3, 4]],
    [12, 1, [6]],
  ] as const)("%i layers, %i stages", ([layers, stages, blocks]) =>
    expect(stageBlocks(layers, stages)).toEqual(blocks),
  );

  test.for([
    [288, [457, 363, 288]],
    [64, [277, 133, 64]],
    [36, [229, 91, 36]],
  ] as const)("576 tokens to %i", ([final, tokens]) => expect(stageTokens(576, final, 3)).toEqual(tokens));

  test.for([
    [457, 71],
    [125, 20],
    [36, 6],
    [3, 1],
    [1, 1],
    [0, 0],
  ])("of %i tokens %i are clusters", ([tokens, clusters]) => expect(stageClusters(tokens!, "auto")).toBe(clusters));

  test("a number of clusters holds for every stage, as far as there are tokens", () => {
    expect([0, 1, 9].map((clusters) => stageClusters(5, clusters))).toEqual([0, 1, 5]);
  });

  test("a count wins over a ratio; a ratio keeps at least one and forgives rounding", () => {
    expect(tokenBudget(576, 64, 0.5)).toBe(64);
    expect(tokenBudget(49, undefined, undefined)).toBe(24);
    expect(tokenBudget(576, undefined, 0.001)).toBe(1);
    expect(tokenBudget(30, undefined, 0.1 + 0.2)).toBe(9);
    expect(tokenBudget(10, undefined, 0.3 - 1e-11)).toBe(3);
  });

  test.for([[[3, 3]], [[3, 1]], [[23]], [[-1]], [[1.5]]])("blocks %j of 23 are refused", ([blocks]) => {
    expect(() => checkStageBlocks(blocks!, 23)).toThrow(RangeError);
  });
});
