/** The gated short convolution of LFM2's layers, with its state of earlier rows. */
import shader from "../../shaders/short-conv.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const WORKGROUP_SIZE = 64;

const kernel = new Kernel({
  name: "short-conv",
  shader,
  bindings: { bcx: "read", weight: "read", state: "write", y: "write" },
  params: { rows: "u32", width: "u32", firstRow: "u32", stateRows: "u32" },
});

export interface ShortConvArgs {
  /** A gate on the input, a gate on the output, and the input, side by side. */
  bcx: Tensor; // [T, 3 W]
  weight: Tensor; // [W, taps], the last one for the row itself
  /**
   * Gated input of the last S rows, row r of the sequence at r % S. Rows before `firstRow` are read, the chunk's own
   * rows are written. All rows of the sequence fit, or the chunk and the taps - 1 rows before it.
   */
  state: Tensor; // [S, W]
  y: Tensor; // [T, W]
  /** Row of the sequence that row 0 is. */
  firstRow: number;
}

/** y = C * conv(B * X), over the row and the taps - 1 rows before it; rows before the first are zeros. */
export function shortConv(recorder: Recorder, { bcx, weight, state, y, firstRow }: ShortConvArgs): void {
  const [rows, width] = matrixShape("short-conv y", y);
  const [, taps] = matrixShape("short-conv weight", weight);
  const [stateRows] = matrixShape("short-conv state", state);
  checkShape("short-conv bcx", bcx, [rows, 3 * width]);
  checkShape("short-conv weight", weight, [width, taps]);
  checkShape("short-conv state", state, [stateRows, width]);
  const fits = firstRow + rows <= stateRows || rows + taps - 1 <= stateRows;
  assert(firstRow >= 0 && fits, `short-conv: ${rows} rows at ${firstRow}, a state of ${stateRows}`);
  recorder.dispatch(
    kernel.variant({ constants: { TAPS: taps, WORKGROUP_SIZE } }),
    { bcx, weight, state, y },
    { rows, width, firstRow, stateRows },
    elementGrid(rows * width, WORKGROUP_SIZE),
  );
}
