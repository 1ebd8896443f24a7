/**
 * Token reduction after the encoder, on a batch of views: the baselines of the paper's tables, and DivPrune, which needs no
 * attention. plan.ts says which one a view gets.
 */
import type { Arena } from "../../gpu/arena.ts";
import { type Recorder, withCapabilities } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { diverse } from "../../kernels/diverse.ts";
import { gatherCells } from "../../kernels/gather-cells.ts";
import type { HeadRows } from "../../kernels/heads.ts";
import { matmul } from "../../kernels/matmul.ts";
import { meanKeys } from "../../kernels/mean-keys.ts";
import { pool } from "../../kernels/pool.ts";
import { prumerge } from "../../kernels/prumerge.ts";
import { topK } from "../../kernels/top-k.ts";
import { unitRows } from "../../kernels/unit-rows.ts";
import { assert, ceilDiv } from "../../shared/assert.ts";
import type { ViewPlan } from "./plan.ts";
import type { StageTensors } from "./stage.ts";

/** A batch of views as the encoder left it. */
export interface EncodedCells {
  hidden: Tensor; // [B * (first + N * S), C]
  /** Other rows of the same cells, which are reduced alike. */
  taps?: readonly Tensor[];
  owners: Tensor; // [B, N] u32
  /** Importance by the last block that ran; not read by "pool". */
  scores: Tensor | undefined; // [B, N]
}

export interface SelectArgs {
  plan: ViewPlan;
  /** The last block that ran, whose keys and importance count. */
  block: number;
  /** Grid of a view, in cells. */
  grid: { rows: number; cols: number };
  /** 1 with a class token, else 0. */
  first: number;
  /** S, rows of a cell. */
  seats: number;
  keys: HeadRows; // B * (first + N * S) rows of H heads
  heads: number;
  headWidth: number;
  /** Owns the tensors of the stage. */
  kept: Arena;
  /** Owns the hidden states, until the work is submitted. */
  scratch: Arena;
}

/** The rows that a plan leaves after the encoder, and the decision, if any cell was chosen. */
export interface Selected {
  hidden: Tensor; // [B * (first + n * S), C]
  taps: readonly Tensor[]; // [B * (first + n * S), C]
  stage?: StageTensors;
}

/** Applies a plan after the encoder. Returns the hidden states themselves where the plan has nothing to do there. */
export function selectCells(recorder: Recorder, cells: EncodedCells, args: SelectArgs): Selected {
  const { plan } = args;
  if (plan.method === "pool") return poolCells(recorder, cells, plan.factor, args);
  if (plan.method === "prune-last") return pruneCells(recorder, cells, plan.tokens, args);
  if (plan.method === "prumerge") {
    assert(plan.tokens !== undefined, "the outlier rule must be settled before cells are selected");
    return prumergeCells(recorder, cells, plan.tokens - 1, args);
  }
  return { hidden: cells.hidden, taps: cells.taps ?? [] };
}

function poolCells(recorder: Recorder, cells: EncodedCells, factor: number, args: SelectArgs): Selected {
  const { grid, first, seats, scratch } = args;
  const { rows, cols } = grid;
  const views = cells.hidden.shape[0]! / (first + rows * cols * seats);
  const outputs = ceilDiv(rows, factor) * ceilDiv(cols, factor);
  const size = { label: "pooled cells", rows: views * (first + outputs * seats) };
  return reduceAll(cells, scratch, size, (x, y) => pool(recorder, { x, y, rows, cols, seats, factor, first }));
}

/** Reduces the hidden states and everything beside them. @param reduce records it for one matrix */
function reduceAll(
  { hidden, taps = [] }: EncodedCells,
  scratch: Arena,
  { label, rows }: { label: string; rows: number },
  reduce: (x: Tensor, y: Tensor) => void,
): Pick<Selected, "hidden" | "taps"> {
  const [left, ...others] = [hidden, ...taps].map((x) => {
    const y = scratch.tensor(label, [rows, x.shape[1]!]);
    reduce(x, y);
    return y;
  });
  return { hidden: left!, taps: others };
}

/** Splits the cells into the `primary` most important and the rest. */
function rankCells(recorder: Recorder, cells: EncodedCells, primary: number, { block, kept }: SelectArgs) {
  const scores = cells.scores!;
  const order = kept.tensor("cell order", scores.shape, "u32");
  topK(recorder, { values: scores, order, kept: primary });
  const owners = keptOwners(recorder, cells.owners, order, primary, kept);
  return { block, primary, clusters: 0, scores, order, owners } satisfies StageTensors;
}

/** The owners of the first `primary` cells in `order`, in `kept`. @param owners [B, N] */
function keptOwners(recorder: Recorder, owners: Tensor, order: Tensor, primary: number, kept: Arena): Tensor {
  const [views, count] = owners.shape as [number, number];
  const left = kept.tensor("cell owners", [views, primary], "u32");
  const [x, y] = [view(owners, [views * count, 1]), view(left, [views * primary, 1])];
  gatherCells(recorder, { x, order, y, first: 0, seats: 1 });
  return left;
}

function pruneCells(recorder: Recorder, cells: EncodedCells, primary: number, args: SelectArgs): Selected {
  const { first, seats, scratch } = args;
  const stage = rankCells(recorder, cells, primary, args);
  const { order } = stage;
  const size = { label: "pruned cells", rows: order.shape[0]! * (first + primary * seats) };
  const left = reduceAll(cells, scratch, size, (x, y) => gatherCells(recorder, { x, order, y, first, seats }));
  return { ...left, stage };
}

function prumergeCells(recorder: Recorder, cells: EncodedCells, primary: number, args: SelectArgs): Selected {
  const { first, seats, keys, heads, headWidth, scratch } = args;
  const stage = rankCells(recorder, cells, primary, args);
  const { scores, order } = stage;
  const [views, count] = scores.shape as [number, number];
  const dropped = count - primary;
  const width = seats * headWidth;
  const mean = scratch.tensor("mean keys", [views, count * seats, headWidth]);
  meanKeys(recorder, { k: keys, y: mean, first, heads, headWidth });
  const keptKeys = scratch.tensor("kept keys", [views, primary, width]);
  const droppedKeys = scratch.tensor("dropped keys", [views, dropped, width]);
  const cosines = scratch.tensor("key cosines", [views, primary, dropped]);
  const keyRows = view(mean, [views * count * seats, headWidth]);
  unitRows(recorder, { x: keyRows, order, y: keptKeys, first: 0, begin: 0 });
  unitRows(recorder, { x: keyRows, order, y: droppedKeys, first: 0, begin: primary });
  matmul(recorder, { x: keptKeys, weight: droppedKeys, y: cosines });
  const size = { label: "PruMerge cells", rows: views * (first + (primary + 1) * seats) };
  const reduce = (x: Tensor, y: Tensor) => prumerge(recorder, { x, order, scores, cosines, y, first, seats });
  return { ...reduceAll(cells, scratch, size, reduce), stage };
}

export interface DiverseArgs {
  /** The connector's rows of each view, after the class token's where the features keep it. */
  projected: Tensor; // [B * (first + n), W]
  /** Other rows of the same cells. */
  taps?: readonly Tensor[]; // [B * (first + n), W]
  owners: Tensor; // [B, n] u32
  /** k, cells of each view that are kept. */
  tokens: number;
  /** Rows of a view in `projected` before its cells. */
  first: number;
  /** Owns the result, but for the rows. */
  kept: Arena;
  /** Owns the rows. */
  keptRows: Arena;
  /** Owns the rest, until the work is submitted. */
  scratch: Arena;
}

/** The rows that `diverse` keeps of each view. */
export interface DiverseRows {
  rows: Tensor; // [B * (first + k), W]
  taps: readonly Tensor[]; // [B * (first + k), W]
  owners: Tensor; // [B, k] u32
  /** Kept cells in order of choice. */
  chosen: Tensor; // [B, k] u32
  /** Kept cells, ascending, then the others, ascending. */
  order: Tensor; // [B, n] u32
}

/** Keeps the cells of each view that differ most from each other, by the connector's rows (DivPrune, arXiv 2503.02175). */
export function selectDiverse(recorder: Recorder, args: DiverseArgs): DiverseRows {
  const { projected, taps = [], owners, tokens, first, kept, keptRows, scratch } = args;
  const [views, count] = owners.shape as [number, number];
  const width = projected.shape[1]!;
  const all = first + count;
  const x = view(projected, [views, all, width]);
  const products = scratch.tensor("products of rows", [views, all, all]);
  // In f32 whatever the device prefers: f16 cannot tell a millionth, within which cosines count as equal.
  matmul(withCapabilities(recorder, { halves: "none" }), { x, weight: x, y: products });
  const chosen = kept.tensor("cells in order of choice", [views, tokens], "u32");
  const order = kept.tensor("cell order", [views, count], "u32");
  diverse(recorder, { products, nearest: scratch.tensor("nearest", [views, count]), chosen, order, first });
  const [rows, ...others] = [projected, ...taps].map((x) => {
    const y = keptRows.tensor("image tokens", [views * (first + tokens), width]);
    gatherCells(recorder, { x, order, y, first, seats: 1 });
    return y;
  });
  return { rows: rows!, taps: others, owners: keptOwners(recorder, owners, order, tokens, kept), chosen, order };
}
