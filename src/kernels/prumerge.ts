/** Cells of LLaVA-PruMerge (arXiv 2403.15388, following its text rather than its published code). */
import shader from "../../shaders/prumerge.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { batchShape, checkShape, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "prumerge",
  shader,
  bindings: { x: "read", order: "read", scores: "read", cosines: "read", y: "write" },
  params: { width: "u32", first: "u32", seats: "u32", kept: "u32", dropped: "u32" },
});

/** Bits of the shader's bitmap. */
const MAX_DROPPED = 16384;

export interface PruMergeArgs {
  x: Tensor; // [B * (first + N * S), C]
  order: Tensor; // [B, N] u32: k kept indices, then R dropped ones
  scores: Tensor; // [B, N], importance
  cosines: Tensor; // [B, k, R], of the head-mean keys
  y: Tensor; // [B * (first + (k + 1) * S), C]
  /** Rows of a view before its cells, kept as they are: 1 with a class token. */
  first: number;
  /** S, rows of a cell. */
  seats: number;
}

/** y of each view = cat(rows before the cells, kept cells plus their nearest dropped ones, one cell for all dropped). */
export function prumerge(recorder: Recorder, { x, order, scores, cosines, y, first, seats }: PruMergeArgs): void {
  const [, width] = matrixShape("prumerge x", x);
  const [views, kept, dropped] = batchShape("prumerge cosines", cosines);
  const cells = kept + dropped;
  const outputs = first + (kept + 1) * seats;
  assert(dropped <= MAX_DROPPED, `prumerge: ${dropped} cells dropped, at most ${MAX_DROPPED}`);
  checkShape("prumerge x", x, [views * (first + cells * seats), width]);
  checkShape("prumerge order", order, [views, cells]);
  checkShape("prumerge scores", scores, [views, cells]);
  checkShape("prumerge y", y, [views * outputs, width]);
  const params = { width, first, seats, kept, dropped };
  recorder.dispatch(kernel.variant(), { x, order, scores, cosines, y }, params, [outputs, views]);
}

/**
 * The number of cells of a view that the outlier rule keeps, at least one: those above Q3 + 1.5 (Q3 - Q1). Quartiles
 * are interpolated linearly. Runs on the CPU because the number of cells, and so every later shape, depends on it.
 *
 * @param scores [N], importance of one view
 */
export function countOutliers(scores: Float32Array): number {
  const sorted = scores.slice().sort();
  const quantile = (share: number) => {
    const rank = share * (sorted.length - 1);
    const low = sorted[Math.floor(rank)]!;
    return low + (rank - Math.floor(rank)) * (sorted[Math.ceil(rank)]! - low);
  };
  const [q1, q3] = [quantile(0.25), quantile(0.75)];
  return Math.max(1, scores.filter((score) => score > q3 + 1.5 * (q3 - q1)).length);
}
