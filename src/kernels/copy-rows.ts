/** Copies rows between matrices inside a compute pass: image tokens into the prompt, kept tokens, last rows. */
import shader from "../../shaders/copy-rows.wgsl?raw";
import type { Arena } from "../gpu/arena.ts";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "copy-rows",
  shader,
  bindings: { x: "read", y: "write" },
  params: { rows: "u32", width: "u32", xRow: "u32", yRow: "u32", accumulate: "u32", yWidth: "u32", yColumn: "u32" },
});

export interface CopyRowsArgs {
  x: Tensor; // [A, C]
  y: Tensor; // [B, C], with `yColumn` [B, C or more], another buffer than x's
  xRow: number;
  yRow: number;
  rows: number;
  /** The first column of y that is written, where y is wider than x. */
  yColumn?: number | undefined;
  /** Adds to what `y` holds instead of replacing it. */
  accumulate?: boolean | undefined;
}

/** In C columns of y, y[yRow + t] = x[xRow + t] for t below `rows`; with `accumulate`, y[yRow + t] += x[xRow + t]. */
export function copyRows(recorder: Recorder, args: CopyRowsArgs): void {
  const { x, y, xRow, yRow, rows, yColumn, accumulate = false } = args;
  const [xRows, width] = matrixShape("copy-rows x", x);
  const [yRows, yWidth] = matrixShape("copy-rows y", y);
  if (yColumn === undefined) checkShape("copy-rows y", y, [yRows, width]);
  else assert(yColumn >= 0 && yColumn + width <= yWidth, `copy of ${width} columns to ${yColumn} of ${yWidth}`);
  assert(
    xRow + rows <= xRows && yRow + rows <= yRows,
    `copy of ${rows} rows from ${xRow} of ${xRows} to ${yRow} of ${yRows}`,
  );
  const params = {
    rows,
    width,
    xRow,
    yRow,
    accumulate: Number(accumulate),
    yWidth,
    yColumn: yColumn ?? 0,
  };
  recorder.dispatch(kernel.variant(), { x, y }, params, elementGrid(rows * width, 64));
}

/** Records a copy of all rows of x into a new tensor of `arena`, which owns it. @param label of the new buffer */
export function copyOf(recorder: Recorder, x: Tensor, arena: Arena, label: string): Tensor {
  const y = arena.tensor(label, x.shape);
  copyRows(recorder, { x, y, xRow: 0, yRow: 0, rows: x.shape[0]! });
  return y;
}
