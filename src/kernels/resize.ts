/**
 * One axis of Pillow's resize (src/libImaging/Resample.c), bit for bit: columns first, then rows, rounded to bytes in
 * between. The coefficients come from outside; image/resample.ts makes them.
 */
import shader from "../../shaders/resize.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "resize",
  shader,
  bindings: { x: "read", weights: "read", bounds: "read", y: "write" },
  params: {
    width: "u32",
    height: "u32",
    first_row: "u32",
    columns: "u32",
    taps: "u32",
    origin: "i32",
    stride: "u32",
    colour: "u32",
  },
});

export interface ResizeArgs {
  /** Packed RGBA8, red in the low byte; what lies behind a row's last pixel is not read. */
  x: Tensor; // [rows, stride] u32
  weights: Tensor; // [outputs, taps] i32, 2^22 is 1
  /** First sample of the picture, number of samples, weight of what lies outside the picture. */
  bounds: Tensor; // [outputs, 3] i32
  /** Alpha is 255. */
  y: Tensor; // [H, W] u32
  /** "columns": y's row r is x's row r - firstRow, W is the number of outputs. "rows": H is the number of outputs. */
  axis: "columns" | "rows";
  /** The picture's sample, along the axis, that x begins with. */
  origin: number;
  /** "columns" only: the rows [firstRow, firstRow + rowCount) of y are written, all of them if missing. */
  firstRow?: number;
  rowCount?: number;
  /** Of the canvas around the picture, packed. */
  colour: number;
}

/** y = x resized along one axis, in integers. */
export function resize(recorder: Recorder, args: ResizeArgs): void {
  const { x, weights, bounds, y, axis, origin, colour, firstRow = 0 } = args;
  const [rows, stride] = matrixShape("resize x", x);
  const [height, width] = matrixShape("resize y", y);
  const [outputs, taps] = matrixShape("resize weights", weights);
  checkShape("resize bounds", bounds, [outputs, 3]);
  const rowCount = args.rowCount ?? height;
  const along = axis === "columns";
  assert(outputs === (along ? width : height), `resize: ${outputs} outputs for y of ${height} x ${width}`);
  assert(
    along ? rowCount <= rows && firstRow + rowCount <= height : rowCount === height && firstRow === 0,
    `resize ${axis}: rows ${firstRow} + ${rowCount} of ${height}, from ${rows}`,
  );
  assert(along || width <= stride, `resize rows: ${width} columns from rows of ${stride}`);
  recorder.dispatch(
    kernel.variant(),
    { x, weights, bounds, y },
    { width, height: rowCount, first_row: firstRow, columns: along ? 1 : 0, taps, origin, stride, colour },
    elementGrid(width * rowCount, 64),
  );
}
