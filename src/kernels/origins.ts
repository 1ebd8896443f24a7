/** The original cells that cells stand for, carried through a compression stage. */
import shader from "../../shaders/origins.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { batchShape, checkShape, elementGrid } from "./common.ts";

const kernel = new Kernel({
  name: "origins",
  shader,
  bindings: { x: "read", order: "read", scores: "read", labels: "read", y: "write" },
  params: { words: "u32", primary: "u32", redundant: "u32", outputs: "u32", views: "u32" },
});

/** W + 1, the words of a cell's row: a bitmap over the original cells of a view, then the anchor. */
export function originWords(cells: number): number {
  return ceilDiv(cells, 32) + 1;
}

/** Rows of `cells` cells of each view before the first stage, [B, N, W + 1]: each its own bit and anchor. */
export function initialOrigins(cells: number, views: number): Uint32Array {
  const stride = originWords(cells);
  const rows = new Uint32Array(views * cells * stride);
  for (let row = 0; row < views * cells; row++) {
    const cell = row % cells;
    rows[row * stride + (cell >>> 5)] = 1 << (cell & 31);
    rows[(row + 1) * stride - 1] = cell;
  }
  return rows;
}

/** The original cells in each cell, ascending, and its owner (the anchor), from rows that were read back. */
export function readOrigins(rows: Uint32Array, stride: number): { cells: Uint32Array[]; owners: Uint32Array } {
  const count = rows.length / stride;
  const cells = Array.from({ length: count }, (_, cell) => {
    const bits = rows.subarray(cell * stride, (cell + 1) * stride - 1);
    const found: number[] = [];
    for (let i = 0; i < bits.length * 32; i++) if ((bits[i >>> 5]! >>> (i & 31)) & 1) found.push(i);
    return Uint32Array.from(found);
  });
  const owners = Uint32Array.from({ length: count }, (_, cell) => rows[(cell + 1) * stride - 1]!);
  return { cells, owners };
}

export interface OriginsArgs {
  x: Tensor; // [B, N, W + 1] u32
  order: Tensor; // [B, N] u32: k primary indices, then R redundant ones
  scores: Tensor; // [B, N], importance
  labels: Tensor; // [B, R] u32
  y: Tensor; // [B, k + c, W + 1] u32
  /** k */
  primary: number;
}

/** y = the rows of the cells that leave the stage: of each view the primary ones, then clusters. */
export function origins(recorder: Recorder, { x, order, scores, labels, y, primary }: OriginsArgs): void {
  const [views, cells, stride] = batchShape("origins x", x);
  const [, outputs] = batchShape("origins y", y);
  const redundant = cells - primary;
  checkShape("origins order", order, [views, cells]);
  checkShape("origins scores", scores, [views, cells]);
  checkShape("origins labels", labels, [views, redundant]);
  checkShape("origins y", y, [views, outputs, stride]);
  const params = { words: stride - 1, primary, redundant, outputs, views };
  const grid = elementGrid(views * outputs * stride, 64);
  recorder.dispatch(kernel.variant(), { x, order, scores, labels, y }, params, grid);
}
