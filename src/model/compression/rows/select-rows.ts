/** Keeps the rows that a method chooses, with their taps and owners. */
import type { Arena } from "../../../gpu/arena.ts";
import type { Recorder } from "../../../gpu/pass.ts";
import { type Tensor, view } from "../../../gpu/tensor.ts";
import { gatherCells } from "../../../kernels/gather-cells.ts";
import { keptOwners } from "../kept-owners.ts";
import type { RowChoice, RowMethod } from "./row-method.ts";

export interface SelectRowsArgs extends Pick<RowChoice, "first" | "grid" | "upload" | "scratch"> {
  method: RowMethod;
  /** The connector's rows of each view, after the class token's where the features keep it. */
  projected: Tensor; // [B * (first + n), W]
  /** Other rows of the same cells. */
  taps?: readonly Tensor[]; // [B * (first + n), W]
  owners: Tensor; // [B, n] u32
  /** k, rows of each view that are kept. */
  tokens: number;
  /** Owns the result except the rows. */
  kept: Arena;
  /** Owns the rows. */
  keptRows: Arena;
}

/** The kept rows of each view. */
export interface SelectedRows {
  rows: Tensor; // [B * (first + k), W]
  taps: readonly Tensor[]; // [B * (first + k), W]
  owners: Tensor; // [B, k] u32
  /** Kept cells in order of choice. */
  chosen: Tensor; // [B, k] u32
  /** Kept cells, ascending, then the others, ascending. */
  order: Tensor; // [B, n] u32
}

/** Records the choice of `tokens` rows of each view, and copies them. Results belong to `kept` and `keptRows`. */
export function selectRows(recorder: Recorder, args: SelectRowsArgs): SelectedRows {
  const { method, projected, taps = [], owners, tokens, first, grid, upload, kept, keptRows, scratch } = args;
  const [views, count] = owners.shape as [number, number];
  const width = projected.shape[1]!;
  const chosen = kept.tensor("cells in order of choice", [views, tokens], "u32");
  const order = kept.tensor("cell order", [views, count], "u32");
  const own = view(projected, [views, first + count, width]);
  method.choose({ recorder, rows: own, first, grid, order, chosen, scratch, upload });
  const [rows, ...others] = [projected, ...taps].map((x) => {
    const y = keptRows.tensor("image tokens", [views * (first + tokens), width]);
    gatherCells(recorder, { x, order, y, first, seats: 1 });
    return y;
  });
  return { rows: rows!, taps: others, owners: keptOwners(recorder, owners, order, tokens, kept), chosen, order };
}
