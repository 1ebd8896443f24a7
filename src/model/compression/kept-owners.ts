/** Copies the owners of the cells that a choice keeps. */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { gatherCells } from "../../kernels/gather-cells.ts";

/** The owners of the first `primary` cells in `order`, in `kept`. @param owners [B, N] */
export function keptOwners(recorder: Recorder, owners: Tensor, order: Tensor, primary: number, kept: Arena): Tensor {
  const [views, count] = owners.shape as [number, number];
  const left = kept.tensor("cell owners", [views, primary], "u32");
  const [x, y] = [view(owners, [views * count, 1]), view(left, [views * primary, 1])];
  gatherCells(recorder, { x, order, y, first: 0, seats: 1 });
  return left;
}
