/** Tokens of LLaVA-PruMerge (arXiv 2403.15388, by its text and not its published code). */
import shader from "../../shaders/prumerge.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "prumerge",
  shader,
  bindings: { x: "read", order: "read", scores: "read", cosines: "read", y: "write" },
  params: { width: "u32", first: "u32", kept: "u32", dropped: "u32" },
});

/** Of the shader's bitmap. */
const MAX_DROPPED = 16384;

export interface PruMergeArgs {
  x: Tensor; // [first + N, C]
  order: Tensor; // [N] u32: k kept indices, then R dropped ones
  scores: Tensor; // [N], importance
  cosines: Tensor; // [k, R], of the head-mean keys
  y: Tensor; // [first + k + 1, C]
  /** Rows in front, kept as they are: 1 with a class token. */
  first: number;
}

/** y = cat(x[..first], kept tokens plus what they take up, one token for all dropped). */
export function prumerge(recorder: Recorder, { x, order, scores, cosines, y, first }: PruMergeArgs): void {
  const [rows, width] = matrixShape("prumerge x", x);
  const [kept, dropped] = matrixShape("prumerge cosines", cosines);
  const tokens = rows - first;
  assert(kept + dropped === tokens && dropped <= MAX_DROPPED, `prumerge: ${kept} + ${dropped} of ${tokens} tokens`);
  checkShape("prumerge order", order, [tokens]);
  checkShape("prumerge scores", scores, [tokens]);
  checkShape("prumerge y", y, [first + kept + 1, width]);
  const params = { width, first, kept, dropped };
  recorder.dispatch(kernel.variant(), { x, order, scores, cosines, y }, params, [first + kept + 1]);
}

/**
 * How many patches the outlier rule keeps: those above Q3 + 1.5 (Q3 - Q1) with quartiles by linear interpolation, at
 * least one. On this side because the number of tokens, and so every later shape, depends on it.
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
