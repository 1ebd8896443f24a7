/** Copies rows between matrices inside a compute pass: image tokens into the prompt, kept tokens, last rows. */
import shader from "../../shaders/copy-rows.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "copy-rows",
  shader,
  bindings: { x: "read", y: "write" },
  params: { rows: "u32", width: "u32", x_row: "u32", y_row: "u32", accumulate: "u32" },
});

export interface CopyRowsArgs {
  x: Tensor; // [A, C]
  y: Tensor; // [B, C], another buffer than x's
  xRow: number;
  yRow: number;
  rows: number;
  /** Adds to what `y` holds instead of replacing it. */
  accumulate?: boolean | undefined;
}

/** y[yRow + t] = x[xRow + t] for t below `rows`; with `accumulate`, y[yRow + t] += x[xRow + t]. */
export function copyRows(recorder: Recorder, { x, y, xRow, yRow, rows, accumulate = false }: CopyRowsArgs): void {
  const [xRows, width] = matrixShape("copy-rows x", x);
  const [yRows] = matrixShape("copy-rows y", y);
  checkShape("copy-rows y", y, [yRows, width]);
  assert(
    xRow + rows <= xRows && yRow + rows <= yRows,
    `copy of ${rows} rows from ${xRow} of ${xRows} to ${yRow} of ${yRows}`,
  );
  const params = { rows, width, x_row: xRow, y_row: yRow, accumulate: Number(accumulate) };
  recorder.dispatch(kernel.variant(), { x, y }, params, elementGrid(rows * width, 64));
}
