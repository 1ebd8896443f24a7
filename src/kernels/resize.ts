/**
 * One axis of Pillow's resize (src/libImaging/Resample.c), bit for bit, rounded to bytes. image/resample.ts provides
 * the coefficients and the order of the axes.
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
    left: "u32",
    top: "u32",
    yStride: "u32",
    xStride: "u32",
    columns: "u32",
    line: "u32",
    output: "u32",
    origin: "i32",
    taps: "u32",
    colour: "u32",
  },
});

export interface ResizeArgs {
  /** Packed RGBA8, red in the low byte, laid over white where transparent; pixels without a weight are not read. */
  x: Tensor; // [rows, stride] u32
  weights: Tensor; // [outputs, taps] i32, 2^22 is 1
  /** First sample of the picture, number of samples, weight of the canvas outside the picture. */
  bounds: Tensor; // [outputs, 3] i32
  /** Alpha is 255. */
  y: Tensor; // [H, W] u32
  /** "columns": each row of y depends on one row of x. "rows": each column of y depends on one column of x. */
  axis: "columns" | "rows";
  /** The picture's sample at which x begins, along the axis. */
  origin: number;
  /** The rectangle of y that is written; all of it if missing. */
  left?: number;
  top?: number;
  width?: number;
  height?: number;
  /** The row (or for "rows" the column) of x that yields the rectangle's first one; 0 if missing. */
  line?: number;
  /** The output at the rectangle's first column (or for "rows" row); 0 if missing. */
  output?: number;
  /** Of the canvas around the picture, packed. */
  colour: number;
}

/** y = x resized along one axis, in integers. */
export function resize(recorder: Recorder, args: ResizeArgs): void {
  const { x, weights, bounds, y, axis, origin, colour, left = 0, top = 0, line = 0, output = 0 } = args;
  const [rows, xStride] = matrixShape("resize x", x);
  const [yRows, yStride] = matrixShape("resize y", y);
  const [outputs, taps] = matrixShape("resize weights", weights);
  checkShape("resize bounds", bounds, [outputs, 3]);
  const { width = yStride, height = yRows } = args;
  const [made, lines, linesOfX] = axis === "columns" ? [width, height, rows] : [height, width, xStride];
  assert(left + width <= yStride && top + height <= yRows, `resize: ${width} x ${height} at ${left}, ${top} of y`);
  assert(output + made <= outputs, `resize ${axis}: outputs ${output} + ${made} of ${outputs}`);
  assert(line + lines <= linesOfX, `resize ${axis}: lines ${line} + ${lines} of ${linesOfX}`);
  recorder.dispatch(
    kernel.variant(),
    { x, weights, bounds, y },
    {
      ...{ width, height, left, top, yStride, xStride, line, output, origin, taps, colour },
      columns: axis === "columns" ? 1 : 0,
    },
    elementGrid(width * height, 64),
  );
}
