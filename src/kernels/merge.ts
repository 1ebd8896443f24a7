/** Keeps primary cells and merges clusters (paper eqs. 6-8). */
import shader from "../../shaders/merge.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, matrixShape, withReduction } from "./common.ts";

const kernel = new Kernel({
  name: "merge",
  shader,
  bindings: { x: "read", order: "read", scores: "read", labels: "read", y: "write" },
  params: { width: "u32", first: "u32", seats: "u32", primary: "u32", redundant: "u32" },
});

export interface MergeArgs {
  x: Tensor; // [B * (first + N * S), C]
  order: Tensor; // [B, N] u32: k primary indices, then R redundant ones
  scores: Tensor; // [B, N], importance
  labels: Tensor; // [B, R] u32, clusters of the redundant cells; not read where y has no room for clusters
  y: Tensor; // [B * (first + (k + c) * S), C]
  /** Rows of a view before its cells, kept as they are: 1 with a class token. */
  first: number;
  /** S, rows of a cell. */
  seats: number;
  /** k */
  primary: number;
  /**
   * True if weights are shares of the cluster's importance ("normalized"), false if they are importance itself ("raw").
   */
  normalized: boolean;
}

/** y of each view = cat(rows before the cells, primary cells, merged clusters in the order of their numbers). */
export function merge(recorder: Recorder, args: MergeArgs): void {
  const { x, order, scores, labels, y, first, seats, primary, normalized } = args;
  const [views, cells] = matrixShape("merge order", order);
  const [, width] = matrixShape("merge x", x);
  const outputs = matrixShape("merge y", y)[0] / views;
  const redundant = cells - primary;
  checkShape("merge x", x, [views * (first + cells * seats), width]);
  checkShape("merge scores", scores, [views, cells]);
  checkShape("merge labels", labels, [views, redundant]);
  checkShape("merge y", y, [views * outputs, width]);
  const kept = first + primary * seats;
  assert(outputs >= kept && (outputs - kept) % seats === 0, `merge: ${outputs} rows, ${kept} kept, ${seats} seats`);
  const reduction = withReduction(recorder.capabilities, 64);
  const variant = kernel.variant({
    ...reduction,
    constants: { ...reduction.constants, NORMALIZED: Number(normalized) },
  });
  const params = { width, first, seats, primary, redundant };
  recorder.dispatch(variant, { x, order, scores, labels, y }, params, [outputs, views]);
}
