/** Copies the cells that a selection keeps: the first ones of its order. */
import shader from "../../shaders/gather-cells.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "gather-cells",
  shader,
  bindings: { x: "read", order: "read", y: "write" },
  params: { views: "u32", width: "u32", skipped: "u32", cells: "u32", kept: "u32" },
});

export interface GatherCellsArgs {
  x: Tensor; // [B * (first + N * S), C], of any type of 4 bytes
  order: Tensor; // [B, N] u32, indices of cells; the first k of each view count
  y: Tensor; // [B * (first + k * S), C], of the type of x
  /** Rows of a view before its cells, kept as they are. */
  first: number;
  /** S, rows of a cell. */
  seats: number;
}

/** y of each view = cat(rows before the cells, cells order[b, 0] to order[b, k - 1]). */
export function gatherCells(recorder: Recorder, { x, order, y, first, seats }: GatherCellsArgs): void {
  const [views, cells] = matrixShape("gather-cells order", order);
  const [, inner] = matrixShape("gather-cells x", x);
  const kept = (matrixShape("gather-cells y", y)[0] / views - first) / seats;
  checkShape("gather-cells x", x, [views * (first + cells * seats), inner]);
  checkShape("gather-cells y", y, [views * (first + kept * seats), inner]);
  const fits = Number.isInteger(kept) && kept >= 0 && kept <= cells && x.type === y.type;
  assert(fits, `gather-cells: ${kept} of ${cells} cells, ${x.type} to ${y.type}`);
  const params = { views, width: seats * inner, skipped: first * inner, cells, kept };
  recorder.dispatch(kernel.variant(), { x, order, y }, params, elementGrid(y.shape[0]! * inner, 64));
}
