/** Which views of a picture share a batch, and how many fit. */
import { describe, expect, test } from "vitest";
import type { ViewPlan } from "../../../src/model/compression/plan.ts";
import { batchViews, viewsAtOnce } from "../../../src/model/encoder/batches.ts";
import type { EncoderSpec } from "../../../src/spec/model-spec.ts";
import type { Grid, View } from "../../../src/spec/picture-spec.ts";
import { freshRandom } from "../../support/random.ts";

const MIB = 2 ** 20;
const NONE: ViewPlan = { method: "none" };

/** A view of patches of 14 pixels, or of another size with the same grid. */
function view({ rows, cols }: Grid, size: Partial<View> = {}): View {
  return { grid: { rows, cols }, canvas: 0, left: 0, top: 0, width: 14 * cols, height: 14 * rows, ...size };
}

describe("views at once", () => {
  const encoder = (width: number, mlp: number, side = 16, classToken = false) =>
    ({ width, mlp: { width: mlp }, patch: { side }, classToken }) as EncoderSpec;

  test.for([
    // 1024 rows of 3072 values, 12 MiB a view: five in 64 MiB.
    ["the MLP is the widest", encoder(768, 3072), { rows: 32, cols: 32 }, 5],
    ["queries, keys and values are", encoder(1024, 2048), { rows: 32, cols: 32 }, 5],
    ["the pixels of a patch are", encoder(8, 16, 32), { rows: 32, cols: 32 }, 5],
    // 64 rows of 256 KiB: 16 MiB a view, and a class token in each is too much for the fourth.
    ["four fit exactly", encoder(8, 65536), { rows: 8, cols: 8 }, 4],
    ["with class tokens three do", encoder(8, 65536, 16, true), { rows: 8, cols: 8 }, 3],
    ["a grid of other proportions", encoder(8, 65536), { rows: 4, cols: 8 }, 8],
    ["one view is larger than that", encoder(8, 65536), { rows: 64, cols: 8 }, 1],
  ] as const)("%s", ([, spec, grid, expected]) => {
    expect(viewsAtOnce(spec, grid, 1024 * MIB)).toBe(expected);
  });

  test("no buffer exceeds the device's binding, but for a single view", () => {
    const spec = encoder(768, 3072);
    const most = (bytes: number) => viewsAtOnce(spec, { rows: 32, cols: 32 }, bytes);
    expect([36 * MIB, 36 * MIB - 1, 12 * MIB, MIB].map(most)).toEqual([3, 2, 1, 1]);
  });
});

describe("batches", () => {
  const WIDE: Grid = { rows: 4, cols: 6 };
  const HIGH: Grid = { rows: 6, cols: 4 };
  const viewsOf = (batches: ReturnType<typeof batchViews>) => batches.map(({ views }) => views);
  const all = (views: View[], plan: ViewPlan = NONE, atOnce = 100) =>
    viewsOf(
      batchViews(
        views,
        views.map(() => plan),
        () => atOnce,
      ),
    );

  test("views of one grid and size are one batch, in the order of their first views", () => {
    const views = [view(WIDE), view(HIGH), view(WIDE), view(WIDE), view(HIGH)];
    expect(all(views)).toEqual([
      [0, 2, 3],
      [1, 4],
    ]);
    // Where on its canvas a view lies, and on which, makes no difference.
    expect(all([view(WIDE), view(WIDE, { left: 7, top: 3, canvas: 2 })])).toEqual([[0, 1]]);
    expect(all([])).toEqual([]);
  });

  test("equal grids of other pixel sizes are apart", () => {
    expect(all([view(WIDE), view(WIDE, { width: 90 }), view(WIDE), view(WIDE, { height: 60 })])).toEqual([
      [0, 2],
      [1],
      [3],
    ]);
  });

  test("a full batch is followed by another one of its kind", () => {
    const seven = Array.from({ length: 7 }, () => view(WIDE));
    expect(all(seven, NONE, 3)).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(all(seven.slice(0, 6), NONE, 3)).toHaveLength(2);
    expect(all(seven.slice(0, 3), NONE, 1)).toEqual([[0], [1], [2]]);
    const batches = batchViews(
      [view(WIDE), view(HIGH), view(WIDE), view(HIGH), view(HIGH)],
      Array(5).fill(NONE),
      ({ rows }) => (rows === 4 ? 1 : 2),
    );
    expect(viewsOf(batches)).toEqual([[0], [1, 3], [2], [4]]);
  });

  test("views that keep other counts are apart, and a batch has the plan of its views", () => {
    const plans: ViewPlan[] = [8, 7, 8, 7].map((tokens) => ({ method: "prune-last", tokens }));
    const batches = batchViews(
      [WIDE, WIDE, WIDE, WIDE].map((grid) => view(grid)),
      plans,
      () => 9,
    );
    expect(batches).toEqual([
      { views: [0, 2], grid: WIDE, plan: { method: "prune-last", tokens: 8 } },
      { views: [1, 3], grid: WIDE, plan: { method: "prune-last", tokens: 7 } },
    ]);
  });

  test("PruMerge by its outlier rule goes view by view, with a count together", () => {
    const views = [view(WIDE), view(WIDE), view(WIDE)];
    expect(all(views, { method: "prumerge" })).toEqual([[0], [1], [2]]);
    expect(all(views, { method: "prumerge", tokens: 5 })).toEqual([[0, 1, 2]]);
  });

  test("every view is in one batch, ascending, with none that differs from it", () => {
    const random = freshRandom("batches");
    for (let round = 0; round < 50; round++) {
      const count = random.integer(1, 20);
      const views = Array.from({ length: count }, () => view([WIDE, HIGH][random.integer(0, 1)]!));
      const plans = views.map((): ViewPlan => ({ method: "diverse", tokens: random.integer(5, 6) }));
      const atOnce = random.integer(1, 5);
      const batches = batchViews(views, plans, () => atOnce);
      expect(
        viewsOf(batches)
          .flat()
          .sort((a, b) => a - b),
      ).toEqual([...views.keys()]);
      for (const batch of batches) {
        expect(batch.views.length).toBeLessThanOrEqual(atOnce);
        expect(batch.views).toEqual(batch.views.toSorted((a, b) => a - b));
        for (const index of batch.views) expect([views[index]!.grid, plans[index]]).toEqual([batch.grid, batch.plan]);
      }
    }
  });
});
