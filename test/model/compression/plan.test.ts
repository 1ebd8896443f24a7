import { describe, expect, test } from "vitest";
import type { Compression } from "../../../src/api.ts";
import { planCompression, standardCompression, type ViewPlan } from "../../../src/model/compression/plan.ts";
import * as reference from "../../reference/schedule.ts";
import { freshRandom } from "../../support/random.ts";

/** CLIP ViT-L/14-336 as LLaVA-1.5 runs it: 23 of 24 blocks. */
const clip = { blocks: 24, runBlocks: 23 };

function stagesOf(compression: Compression, cells = 576, encoder = clip) {
  const [plan] = planCompression(compression, encoder, [cells]);
  return plan!.method === "vmtc" ? plan!.stages : undefined;
}

/** Cells that a plan leaves of a view; undefined where only the picture decides (PruMerge's outlier rule). */
function cellsLeft(plan: ViewPlan, cells: number): number | undefined {
  if (plan.method === "none") return cells;
  if (plan.method === "vmtc") return plan.stages.at(-1)?.tokens ?? cells;
  return plan.method === "pool" ? undefined : plan.tokens;
}

describe("an encoder without blocks", () => {
  const none = { blocks: 0, runBlocks: 0 };

  test.for([{ method: "vmtc" }, { method: "prune-last", tokens: 3 }, { method: "prumerge" }] as const)(
    "$method is refused by name",
    (compression) => {
      const plan = () => planCompression(compression, none, [20]);
      expect(plan).toThrow(
        `compression.method "${compression.method}" works inside an encoder, and this model has none`,
      );
    },
  );

  test("has what works after it", () => {
    expect(standardCompression(none)).toEqual({ method: "none" });
    expect(planCompression({ method: "diverse", ratio: 0.25 }, none, [20])).toEqual([{ method: "diverse", tokens: 5 }]);
    expect(planCompression({ method: "pool", factor: 2 }, none, [20])).toEqual([{ method: "pool", factor: 2 }]);
  });
});

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
      const encoder = { blocks, runBlocks: blocks };
      const actual = stagesOf({ method: "vmtc", tokens, stages, clusters }, patches, encoder)!;
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
    [{ method: "diverse", tokens: 0 }, RangeError, /tokens/],
    [{ method: "diverse", ratio: -1 }, RangeError, /ratio/],
    [{ method: "vmtc", token: 64 }, TypeError, /compression\.token is not known; .*tokens, ratio, stages/],
    [{ method: "pool", factor: 2, ratio: 0.5 }, TypeError, /compression\.ratio is not known.*method, factor/],
    [{ method: "none", ratio: 0.5 }, TypeError, /compression\.ratio is not known/],
    [{ method: "constructor", ratio: 0.5 }, TypeError, /method.*constructor/],
    [{ method: "squeeze" }, TypeError, /method.*squeeze/],
    [{}, TypeError, /method/],
    [null, TypeError, /compression must be an object/],
    ["vmtc", TypeError, /compression must be an object/],
  ] as const)("%j", ([compression, kind, message]) => {
    const plan = () => planCompression(compression as unknown as Compression, clip, [576]);
    expect(plan).toThrow(kind);
    expect(plan).toThrow(message);
  });
});

describe("refusals of encoders and views", () => {
  test("an encoder that allows no stage inside says what works instead", () => {
    const windowed = { ...clip, windows: { whole: [clip.runBlocks - 1] } };
    expect(() => planCompression({ method: "vmtc" }, windowed, [64])).toThrow(RangeError);
    expect(() => planCompression({ method: "vmtc" }, windowed, [64])).toThrow(/whole grids.*"diverse"/);
    expect(planCompression({ method: "diverse" }, windowed, [64])).toEqual([{ method: "diverse", tokens: 32 }]);
    expect(standardCompression(windowed)).toEqual({ method: "none" });
    expect(planCompression({ method: "vmtc" }, clip, [64])).toHaveLength(1);
  });

  test("original positions are for pictures of one view", () => {
    const original = { method: "vmtc", positions: "original" } as const;
    expect(planCompression(original, clip, [64])).toMatchObject([{ originalPositions: true }]);
    expect(() => planCompression(original, clip, [64, 64])).toThrow(RangeError);
    expect(() => planCompression(original, clip, [64, 64])).toThrow(/one view.*has 2/);
  });

  test("diverse compares all cells of a view, up to 4096", () => {
    expect(planCompression({ method: "diverse", tokens: 9 }, clip, [4096])).toEqual([{ method: "diverse", tokens: 9 }]);
    expect(() => planCompression({ method: "diverse", tokens: 9 }, clip, [16, 4097])).toThrow(/at most 4096.*4097/);
  });
});

describe("one view", () => {
  test.for<[Compression, ViewPlan]>([
    [{ method: "none" }, { method: "none" }],
    [
      { method: "prune-last", tokens: 7 },
      { method: "prune-last", tokens: 7 },
    ],
    [{ method: "prune-last", tokens: 49 }, { method: "none" }],
    [
      { method: "pool", factor: 3 },
      { method: "pool", factor: 3 },
    ],
    [{ method: "pool", factor: 1 }, { method: "none" }],
    [
      { method: "prumerge", tokens: 13 },
      { method: "prumerge", tokens: 13 },
    ],
    [{ method: "prumerge", tokens: 50 }, { method: "none" }],
    [{ method: "prumerge" }, { method: "prumerge" }],
    [{ method: "diverse" }, { method: "diverse", tokens: 24 }],
    [
      { method: "diverse", ratio: 0.01 },
      { method: "diverse", tokens: 1 },
    ],
    [
      { method: "diverse", tokens: 30, ratio: 0.1 },
      { method: "diverse", tokens: 30 },
    ],
    [{ method: "diverse", tokens: 49 }, { method: "none" }],
  ])("%j", ([compression, plan]) => {
    expect(planCompression(compression, { blocks: 7, runBlocks: 6 }, [49])).toEqual([plan]);
  });
});

describe("several views", () => {
  const left = (compression: Compression, cells: number[]) =>
    planCompression(compression, clip, cells).map((plan, view) => cellsLeft(plan, cells[view]!));

  test("a ratio applies to each", () => {
    expect(left({ method: "vmtc", ratio: 0.25 }, [64, 49, 2])).toEqual([16, 12, 1]);
    expect(left({ method: "diverse", ratio: 0.5 }, [64, 49, 1])).toEqual([32, 24, 1]);
    expect(planCompression({ method: "diverse" }, clip, [64, 1])[1]).toEqual({ method: "none" });
  });

  test("a count is dealt out", () => {
    expect(left({ method: "vmtc", tokens: 10 }, [64, 64, 64])).toEqual([4, 3, 3]);
    expect(left({ method: "diverse", tokens: 20 }, [64, 128])).toEqual([7, 13]);
    expect(left({ method: "prune-last", tokens: 3 }, [64, 128])).toEqual([1, 2]);
    expect(left({ method: "prumerge", tokens: 5 }, [64, 128])).toEqual([2, 3]);
    // One token is the sum of the dropped ones, so a view keeps at least two.
    expect(left({ method: "prumerge", tokens: 5 }, [10, 90])).toEqual([2, 3]);
    expect(left({ method: "diverse", tokens: 192 }, [64, 128])).toEqual([64, 128]);
    expect(left({ method: "vmtc", tokens: 1000 }, [64, 128])).toEqual([64, 128]);
  });

  test("too few tokens for the views are refused", () => {
    for (const method of ["vmtc", "prune-last", "diverse"] as const)
      expect(() => left({ method, tokens: 2 }, [64, 64, 64])).toThrow(RangeError);
    expect(() => left({ method: "vmtc", tokens: 2 }, [64, 64, 64])).toThrow(/3 views.*at least 3/);
    expect(() => left({ method: "prumerge", tokens: 5 }, [64, 64, 64])).toThrow(RangeError);
  });

  test("each view has the schedule of its own cells", () => {
    const [small, large] = planCompression({ method: "vmtc", tokens: 300 }, clip, [24, 576]);
    expect(large).toMatchObject({ stages: stagesOf({ method: "vmtc", tokens: 288 }) });
    expect(small).toMatchObject({ stages: stagesOf({ method: "vmtc", tokens: 12 }, 24) });
  });
});

test("the standard leaves out stages in blocks that an encoder does not run", () => {
  const standard = (blocks: number, runBlocks: number) => standardCompression({ blocks, runBlocks });
  expect(standard(24, 23)).toEqual({ method: "vmtc", ratio: 0.5 });
  expect(standard(24, 17)).toEqual({ method: "vmtc", ratio: 0.5, blocks: [6, 12] });
  expect(standard(24, 6)).toEqual({ method: "none" });
  expect(standard(2, 2)).toEqual({ method: "vmtc", ratio: 0.5, blocks: [0, 1] });
  for (const [blocks, runBlocks] of [
    [24, 17],
    [2, 2],
    [1, 1],
  ] as const) {
    const [plan] = planCompression(standard(blocks, runBlocks), { blocks, runBlocks }, [576]);
    expect(cellsLeft(plan!, 576)).toBe(288);
  }
});

describe("views that count for fewer cells than they have", () => {
  const left = (compression: Compression) =>
    planCompression(compression, clip, [16, 36, 36], [16, 12, 12]).map((plan, view) =>
      cellsLeft(plan, [16, 36, 36][view]!),
    );

  test.for<[Compression, number[]]>([
    [{ method: "vmtc", ratio: 0.5 }, [8, 6, 6]],
    [{ method: "diverse", ratio: 0.5 }, [8, 6, 6]],
    [{ method: "prune-last", tokens: 20 }, [8, 6, 6]],
    [{ method: "prumerge", ratio: 0.25 }, [4, 3, 3]],
    // A picture that keeps all that it counts for stays whole.
    [{ method: "vmtc", ratio: 1 }, [16, 36, 36]],
    [{ method: "diverse", tokens: 40 }, [16, 36, 36]],
    // One view that does is still cut to that.
    [{ method: "diverse", tokens: 39 }, [15, 12, 12]],
  ])("%j", ([compression, counts]) => {
    expect(left(compression)).toEqual(counts);
  });
});
