/** Primary tokens kept, clusters merged (paper eqs. 6-8). */
import shader from "../../shaders/merge.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, matrixShape, withReduction } from "./common.ts";

const kernel = new Kernel({
  name: "merge",
  shader,
  bindings: { x: "read", order: "read", scores: "read", labels: "read", y: "write" },
  params: { width: "u32", first: "u32", primary: "u32", redundant: "u32" },
});

export interface MergeArgs {
  x: Tensor; // [first + N, C]
  order: Tensor; // [N] u32: k primary indices, then R redundant ones
  scores: Tensor; // [N], importance
  labels: Tensor; // [R] u32, clusters of the redundant tokens; not read where y has no room for clusters
  y: Tensor; // [first + k + c, C]
  /** Rows in front that are kept as they are: 1 with a class token. */
  first: number;
  /** k */
  primary: number;
  /** Whether weights are shares of the cluster's importance ("normalized") or importance itself ("raw"). */
  normalized: boolean;
}

/** y = cat(x[..first], x[primary], merged clusters in the order of their numbers). */
export function merge(recorder: Recorder, args: MergeArgs): void {
  const { x, order, scores, labels, y, first, primary, normalized } = args;
  const [rows, width] = matrixShape("merge x", x);
  const [outputs] = matrixShape("merge y", y);
  const tokens = rows - first;
  const redundant = tokens - primary;
  checkShape("merge order", order, [tokens]);
  checkShape("merge scores", scores, [tokens]);
  checkShape("merge labels", labels, [redundant]);
  checkShape("merge y", y, [outputs, width]);
  const reduction = withReduction(recorder.capabilities, 64);
  const variant = kernel.variant({
    ...reduction,
    constants: { ...reduction.constants, NORMALIZED: Number(normalized) },
  });
  recorder.dispatch(variant, { x, order, scores, labels, y }, { width, first, primary, redundant }, [outputs]);
}
