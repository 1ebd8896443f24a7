/** The original cell that owns each cell, carried through a compression stage. */
import shader from "../../shaders/owners.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "owners",
  shader,
  bindings: { x: "read", order: "read", scores: "read", labels: "read", y: "write" },
  params: { primary: "u32", redundant: "u32", outputs: "u32", views: "u32" },
});

/** Owners of the `cells` cells of each view before the first stage, [B, N]: themselves. */
export function initialOwners(cells: number, views: number): Uint32Array {
  return Uint32Array.from({ length: views * cells }, (_, i) => i % cells);
}

export interface OwnersArgs {
  x: Tensor; // [B, N] u32
  order: Tensor; // [B, N] u32: k primary indices, then R redundant ones
  scores: Tensor; // [B, N], importance
  labels: Tensor; // [B, R] u32
  y: Tensor; // [B, k + c] u32
  /** k */
  primary: number;
}

/** y = the owners of the cells after the stage: in each view the primary cells, then the clusters. */
export function owners(recorder: Recorder, { x, order, scores, labels, y, primary }: OwnersArgs): void {
  const [views, cells] = matrixShape("owners x", x);
  const [, outputs] = matrixShape("owners y", y);
  const redundant = cells - primary;
  checkShape("owners order", order, [views, cells]);
  checkShape("owners scores", scores, [views, cells]);
  checkShape("owners labels", labels, [views, redundant]);
  checkShape("owners y", y, [views, outputs]);
  const params = { primary, redundant, outputs, views };
  recorder.dispatch(kernel.variant(), { x, order, scores, labels, y }, params, elementGrid(views * outputs, 64));
}
