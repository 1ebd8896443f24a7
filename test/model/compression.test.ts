import { describe, expect, test } from "vitest";
import type { Compression } from "../../src/api.ts";
import { defaultCompression, planCompression, plannedTokens } from "../../src/model/compression.ts";
import type { VisionConfig } from "../../src/model/config.ts";
import * as reference from "../reference/schedule.ts";
import { freshRandom } from "../support/random.ts";

/** CLIP ViT-L/14-336 as LLaVA-1.5 runs it: 23 of 24 blocks. */
const clip = { blocks: 24, runBlocks: 23 } as VisionConfig;

function stagesOf(compression: Compression, patches = 576, config = clip) {
  const plan = planCompression(compression, config, patches);
  return plan.method === "vmtc" ? plan.stages : undefined;
}

describe("vmtc", () => {
  test.for([
    [288, [457, 363, 288]],
    [64, [277, 133, 64]],
    [36, [229, 91, 36]],
  ] as const)("published schedule to %i tokens", ([tokens, counts]) => {
    const stages = stagesOf({ method: "vmtc", tokens })!;
    expect(stages.map(({ block }) => block)).toEqual([6, 12, 18]);
    expect(stages.map((stage) => stage.tokens)).toEqual(counts);
    expect(stages.map(({ before }) => before)).toEqual([576, ...counts.slice(0, 2)]);
    for (const stage of stages) {
      expect(stage.clusters).toBe(Math.floor(0.156 * stage.tokens + 0.5));
      expect(stage.primary + stage.clusters).toBe(stage.tokens);
    }
  });

  test("agrees with the reference on random encoders and budgets", () => {
    const random = freshRandom("schedule");
    for (let i = 0; i < 300; i++) {
      const blocks = random.integer(4, 30);
      const patches = random.integer(2, 800);
      const stages = random.integer(1, Math.min(3, blocks - 1));
      const tokens = random.integer(1, patches);
      const clusters = [0, 1, "auto", 5][random.integer(0, 3)] as number | "auto";
      const config = { blocks, runBlocks: blocks } as VisionConfig;
      const actual = stagesOf({ method: "vmtc", tokens, stages, clusters }, patches, config)!;
      const expected = reference.stageBlocks(blocks, stages).map((block, s) => {
        const count = reference.stageTokens(patches, tokens, stages)[s]!;
        return { block, tokens: count, clusters: reference.stageClusters(count, clusters) };
      });
      let before = patches;
      const shrinking = expected.filter(({ tokens: count }) => {
        const shrinks = count < before;
        if (shrinks) before = count;
        return shrinks;
      });
      expect(
        actual.map(({ block, tokens: count, clusters: merged }) => ({ block, tokens: count, clusters: merged })),
      ).toEqual(shrinking);
    }
  });

  test("a count wins over a ratio, listed blocks over a number of stages, and a ratio is rounded down", () => {
    expect(stagesOf({ method: "vmtc", tokens: 10, ratio: 0.9 })!.at(-1)!.tokens).toBe(10);
    expect(stagesOf({ method: "vmtc", blocks: [2, 9], stages: 5 })!.map(({ block }) => block)).toEqual([2, 9]);
    expect(stagesOf({ method: "vmtc", ratio: 0.5 }, 49)!.at(-1)!.tokens).toBe(24);
    // 0.29 * 100 is 28.999999999999996 in floating point.
    expect(stagesOf({ method: "vmtc", ratio: 0.29 }, 100)!.at(-1)!.tokens).toBe(29);
    expect(stagesOf({ method: "vmtc", ratio: 0.001 }, 49)!.at(-1)!.tokens).toBe(1);
  });

  test("nothing happens where nothing would go", () => {
    expect(stagesOf({ method: "vmtc", tokens: 576 })).toEqual([]);
    expect(stagesOf({ method: "vmtc", tokens: 1000 })).toEqual([]);
    expect(stagesOf({ method: "vmtc", ratio: 1 })).toEqual([]);
  });

  test("clusters are clamped to the tokens that leave", () => {
    expect(stagesOf({ method: "vmtc", tokens: 3, clusters: 50 })!.at(-1)).toMatchObject({ primary: 0, clusters: 3 });
    expect(stagesOf({ method: "vmtc", tokens: 1 })!.at(-1)).toMatchObject({ primary: 0, clusters: 1 });
    expect(stagesOf({ method: "vmtc", clusters: 0 })!.every(({ clusters }) => clusters === 0)).toBe(true);
  });
});

describe("refusals", () => {
  test.for([
    [{ method: "vmtc", blocks: [23] }, RangeError, /block 23.*0 to 22/],
    [{ method: "vmtc", blocks: [-1] }, RangeError, /block -1/],
    [{ method: "vmtc", blocks: [4, 4] }, RangeError, /ascending and distinct/],
    [{ method: "vmtc", blocks: [6, 3] }, RangeError, /ascending and distinct/],
    [{ method: "vmtc", blocks: [1.5] }, RangeError, /block 1.5/],
    [{ method: "vmtc", blocks: [] }, RangeError, /blocks is empty/],
    [{ method: "vmtc", stages: 0 }, RangeError, /stages/],
    // Twenty-four stages would need block 23, which does not run.
    [{ method: "vmtc", stages: 24 }, RangeError, /distinct|block/],
    [{ method: "vmtc", tokens: 0 }, RangeError, /tokens/],
    [{ method: "vmtc", tokens: 1.5 }, RangeError, /tokens/],
    [{ method: "vmtc", ratio: 0 }, RangeError, /ratio/],
    [{ method: "vmtc", ratio: Number.NaN }, RangeError, /ratio/],
    [{ method: "vmtc", blocks: 3 }, TypeError, /blocks must be a list/],
    [{ method: "vmtc", clusters: -1 }, RangeError, /clusters/],
    [{ method: "vmtc", iterations: 0 }, RangeError, /iterations/],
    [{ method: "vmtc", merge: "sum" }, TypeError, /merge/],
    [{ method: "vmtc", positions: "old" }, TypeError, /positions/],
    [{ method: "prune-last" }, RangeError, /tokens/],
    [{ method: "prune-last", tokens: 0 }, RangeError, /tokens/],
    [{ method: "pool", factor: 0 }, RangeError, /factor/],
    [{ method: "pool", factor: 1.5 }, RangeError, /factor/],
    [{ method: "prumerge", tokens: 1 }, RangeError, /tokens/],
    [{ method: "squeeze" }, TypeError, /method.*squeeze/],
    [{}, TypeError, /method/],
    [null, TypeError, /compression must be an object/],
    ["vmtc", TypeError, /compression must be an object/],
  ] as const)("%j", ([compression, kind, message]) => {
    const plan = () => planCompression(compression as unknown as Compression, clip, 576);
    expect(plan).toThrow(kind);
    expect(plan).toThrow(message);
  });
});

test("tokens that a plan leaves", () => {
  const left = (compression: Compression, patches = 49) =>
    plannedTokens(planCompression(compression, { blocks: 7, runBlocks: 6 } as VisionConfig, patches), patches);
  expect(left({ method: "none" })).toBe(49);
  expect(left({ method: "vmtc" })).toBe(24);
  expect(left({ method: "vmtc", tokens: 100 })).toBe(49);
  expect(left({ method: "prune-last", tokens: 7 })).toBe(7);
  expect(left({ method: "pool", factor: 3 })).toBe(9);
  expect(left({ method: "prumerge", tokens: 13 })).toBe(13);
  expect(left({ method: "prumerge" })).toBe(undefined);
});

test("the default leaves out stages in blocks that an encoder does not run", () => {
  const byDefault = (blocks: number, runBlocks: number) => defaultCompression({ blocks, runBlocks } as VisionConfig);
  expect(byDefault(24, 23)).toEqual({ method: "vmtc", ratio: 0.5 });
  expect(byDefault(24, 17)).toEqual({ method: "vmtc", ratio: 0.5, blocks: [6, 12] });
  expect(byDefault(24, 6)).toEqual({ method: "none" });
  expect(byDefault(2, 2)).toEqual({ method: "vmtc", ratio: 0.5, blocks: [0, 1] });
  for (const [blocks, runBlocks] of [
    [24, 17],
    [2, 2],
    [1, 1],
  ] as const) {
    const config = { blocks, runBlocks } as VisionConfig;
    expect(plannedTokens(planCompression(defaultCompression(config), config, 576), 576)).toBe(288);
  }
});
