/** Groups the views of a picture that are encoded together. Pure. */
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { Grid, View } from "../../spec/picture-spec.ts";
import type { ViewPlan } from "../compression/plan.ts";

/** Views of one size, grid and plan. */
export interface ViewBatch {
  /** Indices of the picture's views, ascending. */
  views: number[];
  grid: Grid;
  plan: ViewPlan;
}

const FLOAT_BYTES = 4;

/**
 * Bytes of the largest buffer of a batch: five views of 1024 rows, width 768. 13 of them take 236 MiB in three batches,
 * 549 in one batch and 80 one by one, pixels and results included. The dispatches of 12 blocks are 267, 89 and 1157.
 * `npm run bench -- --only views` compares their times.
 */
const MOST_BUFFER_BYTES = 64 << 20;

/** Elements of one row of a view in the widest buffer of the encoder. */
function widestRow({ width, mlp, patch }: EncoderSpec): number {
  return Math.max(3 * width, (mlp.gated ? 2 : 1) * mlp.width, 3 * (patch.frames ?? 1) * patch.side ** 2);
}

/** Views of this grid that are encoded together, at least 1. @param maxBindingBytes of the device */
export function viewsAtOnce(spec: EncoderSpec, { rows, cols }: Grid, maxBindingBytes: number): number {
  const viewRows = rows * cols + (spec.classToken ? 1 : 0);
  const bytes = viewRows * widestRow(spec) * FLOAT_BYTES;
  return Math.max(1, Math.floor(Math.min(MOST_BUFFER_BYTES, maxBindingBytes) / bytes));
}

/**
 * Groups views that can share every dispatch.
 *
 * @param plans of each view
 * @param atOnce the most views of a grid in one batch
 */
export function batchViews(
  views: readonly View[],
  plans: readonly ViewPlan[],
  atOnce: (grid: Grid) => number,
): ViewBatch[] {
  const open = new Map<string, ViewBatch>();
  const batches: ViewBatch[] = [];
  for (const [index, { grid, width, height }] of views.entries()) {
    const plan = plans[index]!;
    // The outlier rule keeps a different number of cells in each view.
    const isAlone = plan.method === "prumerge" && plan.tokens === undefined;
    const key = JSON.stringify([grid.rows, grid.cols, width, height, plan, isAlone ? index : 0]);
    const batch = open.get(key);
    if (batch && batch.views.length < atOnce(grid)) {
      batch.views.push(index);
      continue;
    }
    const fresh = { views: [index], grid, plan };
    open.set(key, fresh);
    batches.push(fresh);
  }
  return batches;
}
