/** Spatial down-sampling of the grid of cells by averages (the paper's pilot study). */
import shader from "../../shaders/pool.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "pool",
  shader,
  bindings: { x: "read", y: "write" },
  params: { views: "u32", rows: "u32", cols: "u32", seats: "u32", factor: "u32", width: "u32", first: "u32" },
});

export interface PoolArgs {
  x: Tensor; // [B * (first + rows * cols * S), C]
  y: Tensor; // [B * (first + ceil(rows / factor) * ceil(cols / factor) * S), C]
  /** Of a view's grid, in cells. */
  rows: number;
  cols: number;
  /** S, rows of `x` a cell. */
  seats: number;
  factor: number;
  /** Rows of a view before its cells, kept as they are. */
  first: number;
}

/**
 * y = averages of windows of factor x factor cells, seat by seat; windows at the right and bottom edge average the
 * cells that they hold.
 */
export function pool(recorder: Recorder, { x, y, rows, cols, seats, factor, first }: PoolArgs): void {
  const [xRows, width] = matrixShape("pool x", x);
  const views = xRows / (first + rows * cols * seats);
  const outputs = first + ceilDiv(rows, factor) * ceilDiv(cols, factor) * seats;
  assert(Number.isInteger(views), `pool: ${xRows} rows of views of ${rows} x ${cols} cells of ${seats} after ${first}`);
  checkShape("pool y", y, [views * outputs, width]);
  const params = { views, rows, cols, seats, factor, width, first };
  recorder.dispatch(kernel.variant(), { x, y }, params, elementGrid(views * outputs * width, 64));
}
