/**
 * Token reduction after the encoder, on a batch of views: the baselines of the paper's tables, and DivPrune, which needs no
 * attention. plan.ts says which one a view gets.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { diverse } from "../../kernels/diverse.ts";
import { gatherCells } from "../../kernels/gather-cells.ts";
import type { HeadRows } from "../../kernels/heads.ts";
import { matmul } from "../../kernels/matmul.ts";
import { meanKeys } from "../../kernels/mean-keys.ts";
import { merge } from "../../kernels/merge.ts";
import { origins } from "../../kernels/origins.ts";
import { pool } from "../../kernels/pool.ts";
import { prumerge } from "../../kernels/prumerge.ts";
import { topK } from "../../kernels/top-k.ts";
import { unitRows } from "../../kernels/unit-rows.ts";
import { assert, ceilDiv } from "../../shared/assert.ts";
import type { Grid } from "../../spec/picture-spec.ts";
import type { ViewPlan } from "./plan.ts";
import type { StageTensors } from "./stage.ts";

/** A batch of views as the encoder left it. */
export interface EncodedCells {
  hidden: Tensor; // [B * (first + N * S), C]
  origins: Tensor; // [B, N, W + 1] u32
  /** Importance by the last block that ran; not read by "pool". */
  scores: Tensor | undefined; // [B, N]
}

export interface SelectArgs {
  plan: ViewPlan;
  /** The last block that ran, whose keys and importance count. */
  block: number;
  /** Grid of a view, in cells. */
  grid: Grid;
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
  return { hidden: cells.hidden };
}

function poolCells(recorder: Recorder, { hidden: x }: EncodedCells, factor: number, args: SelectArgs): Selected {
  const { grid, first, seats, scratch } = args;
  const { rows, cols } = grid;
  const views = x.shape[0]! / (first + rows * cols * seats);
  const outputs = ceilDiv(rows, factor) * ceilDiv(cols, factor);
  const y = scratch.tensor("pooled cells", [views * (first + outputs * seats), x.shape[1]!]);
  pool(recorder, { x, y, rows, cols, seats, factor, first });
  return { hidden: y };
}

/** Splits the cells into the `primary` most important and the rest. */
function rankCells(recorder: Recorder, cells: EncodedCells, primary: number, { block, kept }: SelectArgs) {
  const scores = cells.scores!;
  const [views, count] = scores.shape as [number, number];
  const order = kept.tensor("cell order", [views, count], "u32");
  const labels = kept.tensor("cluster labels", [views, count - primary], "u32");
  const left = kept.tensor("cell origins", [views, primary, cells.origins.shape[2]!], "u32");
  topK(recorder, { values: scores, order, kept: primary });
  origins(recorder, { x: cells.origins, order, scores, labels, y: left, primary });
  return { block, primary, clusters: 0, scores, order, labels, origins: left } satisfies StageTensors;
}

function pruneCells(recorder: Recorder, cells: EncodedCells, primary: number, args: SelectArgs): Selected {
  const { first, seats, scratch } = args;
  const stage = rankCells(recorder, cells, primary, args);
  const { scores, order, labels } = stage;
  const x = cells.hidden;
  const y = scratch.tensor("pruned cells", [scores.shape[0]! * (first + primary * seats), x.shape[1]!]);
  merge(recorder, { x, order, scores, labels, y, first, seats, primary, normalized: true });
  return { hidden: y, stage };
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
  const x = cells.hidden;
  const y = scratch.tensor("PruMerge cells", [views * (first + (primary + 1) * seats), x.shape[1]!]);
  prumerge(recorder, { x, order, scores, cosines, y, first, seats });
  return { hidden: y, stage };
}

/** Rows that `diverse` kept of each view. */
export interface DiverseRows {
  rows: Tensor; // [B * (first + k), W]
  /** In order of choice. */
  chosen: Tensor; // [B, k] u32
  /** Kept indices, ascending, then the others. */
  order: Tensor; // [B, n] u32
}

export interface DiverseArgs {
  /** B */
  views: number;
  /** k */
  tokens: number;
  /** Rows of a view that take no part and stay: 1 where features keep the class token, else 0. */
  first: number;
  /** Owns the result. */
  kept: Arena;
  /** Owns the rest, until the work is submitted. */
  scratch: Arena;
}

/**
 * Keeps the most diverse rows after the connector (DivPrune, arXiv 2503.02175).
 *
 * @param projected [B * (first + n), W]
 */
export function selectDiverse(recorder: Recorder, projected: Tensor, args: DiverseArgs): DiverseRows {
  const { views, tokens, first, kept, scratch } = args;
  const [allRows, width] = projected.shape as [number, number];
  const each = allRows / views;
  const count = each - first;
  const x = view(projected, [views, each, width]);
  const products = scratch.tensor("row products", [views, each, each]);
  matmul(recorder, { x, weight: x, y: products });
  const chosen = kept.tensor("rows in order of choice", [views, tokens], "u32");
  const order = kept.tensor("row order", [views, count], "u32");
  diverse(recorder, { products, nearest: scratch.tensor("nearest", [views, count]), chosen, order, first });
  const rows = kept.tensor("diverse rows", [views * (first + tokens), width]);
  gatherCells(recorder, { x: projected, order, y: rows, first, seats: 1 });
  return { rows, chosen, order };
}
