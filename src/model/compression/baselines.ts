/**
 * Token reduction after the encoder, on a batch of views: the baselines of the paper's tables. plan.ts chooses one for
 * each view.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { gatherCells } from "../../kernels/gather-cells.ts";
import type { HeadRows } from "../../kernels/heads.ts";
import { matmul } from "../../kernels/matmul.ts";
import { meanKeys } from "../../kernels/mean-keys.ts";
import { pool } from "../../kernels/pool.ts";
import { prumerge } from "../../kernels/prumerge.ts";
import { topK } from "../../kernels/top-k.ts";
import { unitRows } from "../../kernels/unit-rows.ts";
import { assert, ceilDiv } from "../../shared/assert.ts";
import { keptOwners } from "./kept-owners.ts";
import type { ViewPlan } from "./plan.ts";
import type { StageTensors } from "./stage.ts";

/** A batch of views after the encoder. */
export interface EncodedCells {
  hidden: Tensor; // [B * (first + N * S), C]
  /** Other rows of the same cells, reduced in the same way. */
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
  keys: HeadRows | undefined; // B * (first + N * S) rows of H heads
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

/** Applies a plan after the encoder. Returns the hidden states themselves where the plan reduces nothing there. */
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

/** Reduces the hidden states and the taps. @param reduce records the reduction of one matrix */
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
  assert(keys, "a selection by keys of an encoder without blocks");
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
