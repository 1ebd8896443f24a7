/** Learned positions of queries and of the features that they read. Those of features follow the cells through compression. */
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { copyRows } from "../../kernels/copy-rows.ts";
import { mixRows } from "../../kernels/mix-rows.ts";
import { assert } from "../../shared/assert.ts";
import type { Grid } from "../../spec/picture-spec.ts";
import type { QueryPositions } from "../../spec/query-spec.ts";
import { resizedTable } from "../encoder/resized-table.ts";
import type { Weights } from "../load/fill.ts";
import type { Buffers } from "./buffers.ts";

/** The cells of a batch of views. */
export interface FeaturePlaces {
  /** B */
  count: number;
  /** The grid of a whole view, in cells. */
  grid: Grid;
  /** Rows before the cells of a view: 1 with a class token. */
  first: number;
  /** The cell whose position each remaining cell has, as a raster index. */
  owners: Tensor; // [B, n] u32
}

export interface AddPositionsArgs extends FeaturePlaces {
  table: QueryPositions;
  /** C */
  width: number;
  /** Q */
  queries: number;
  of: "queries" | "keys";
  /** Rows of a view before its features: the queries, where they are keys too. */
  before?: number;
}

/** A copy of x [B * rows, C] with the positions of its rows added. */
export function addPositions(
  recorder: Recorder,
  buffers: Buffers,
  weights: Weights,
  x: Tensor,
  args: AddPositionsArgs,
): Tensor {
  const { count, table, of, before = 0, queries } = args;
  const rows = x.shape[0]!;
  const y = buffers.tensor(`${of} with positions`, x.shape);
  copyRows(recorder, { x, y, xRow: 0, yRow: 0, rows });
  if (of === "queries" || before > 0)
    for (let i = 0; i < count; i++) {
      const own = { x: weights.get(table.queries), xRow: 0, yRow: i * (rows / count), rows: queries };
      copyRows(recorder, { ...own, y, accumulate: true });
    }
  if (of === "keys") addCells(recorder, buffers, weights, y, { ...args, before });
  return y;
}

function addCells(
  recorder: Recorder,
  buffers: Buffers,
  weights: Weights,
  y: Tensor,
  { count, grid, first, owners, table, width, before }: AddPositionsArgs & { before: number },
): void {
  const cells = owners.shape[1]!;
  const each = y.shape[0]! / count;
  assert(each === before + first + cells, `${each} keys of ${before} queries, ${first} tokens and ${cells} cells`);
  const stored = weights.get(table.features);
  const whole = table.grid ? resized(recorder, buffers, stored, table.grid, { grid, first }) : stored;
  const ofCells = buffers.tensor("positions of cells", [count * cells, width]);
  const ones = buffers.upload("weight of a position", [count * cells, 1], new Float32Array(count * cells).fill(1));
  const sources = view(owners, [count * cells, 1]);
  mixRows(recorder, { x: whole, first, sources, weights: ones, y: ofCells, accumulate: false });
  for (let i = 0; i < count; i++) {
    const yRow = i * each + before;
    if (first > 0) copyRows(recorder, { x: whole, y, xRow: 0, yRow, rows: first, accumulate: true });
    copyRows(recorder, { x: ofCells, y, xRow: i * cells, yRow: yRow + first, rows: cells, accumulate: true });
  }
}

/** A table of learned positions in the grid of a view. */
function resized(
  recorder: Recorder,
  buffers: Buffers,
  x: Tensor,
  from: Grid,
  { grid, first }: { grid: Grid; first: number },
): Tensor {
  const { sources, weights, taps } = resizedTable(from, grid, { first, cubic: true });
  const rows = sources.length / taps;
  const y = buffers.tensor("resized positions", [rows, x.shape[1]!]);
  const tables = {
    sources: buffers.upload("sources of positions", [rows, taps], sources),
    weights: buffers.upload("weights of positions", [rows, taps], weights),
  };
  mixRows(recorder, { x, ...tables, y, accumulate: false });
  return y;
}
