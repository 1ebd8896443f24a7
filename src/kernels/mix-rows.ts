/** Rows as weighted sums of rows: features shrunk by interpolation, and rows put into another order. */
import shader from "../../shaders/mix-rows.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "mix-rows",
  shader,
  bindings: { x: "read", sources: "read", weights: "read", y: "write" },
  params: { rows: "u32", width: "u32", taps: "u32", accumulate: "u32", first: "u32" },
});

export interface MixRowsArgs {
  x: Tensor; // [A, C]
  sources: Tensor; // [T, K] u32, rows of x
  /** A source of weight 0 is not read. */
  weights: Tensor; // [T, K]
  y: Tensor; // [T, C], another buffer than x's
  /** The row of x that source 0 stands for; default 0. */
  first?: number | undefined;
  /** Adds to y instead of replacing it. */
  accumulate: boolean;
}

/** y[t] = sum over k of weights[t, k] * x[first + sources[t, k]], plus the old y[t] with `accumulate`. */
export function mixRows(recorder: Recorder, { x, sources, weights, y, accumulate, first = 0 }: MixRowsArgs): void {
  const [, width] = matrixShape("mix-rows x", x);
  const [rows, taps] = matrixShape("mix-rows sources", sources);
  checkShape("mix-rows weights", weights, [rows, taps]);
  checkShape("mix-rows y", y, [rows, width]);
  assert(sources.type === "u32", `mix-rows: sources are ${sources.type}`);
  const params = { rows, width, taps, accumulate: Number(accumulate), first };
  recorder.dispatch(kernel.variant(), { x, sources, weights, y }, params, elementGrid(rows * width, 64));
}
