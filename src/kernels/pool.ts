/** Spatial down-sampling of the patch grid by averages (the paper's pilot study). */
import shader from "../../shaders/pool.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "pool",
  shader,
  bindings: { x: "read", y: "write" },
  params: { grid: "u32", factor: "u32", width: "u32", first: "u32" },
});

export interface PoolArgs {
  x: Tensor; // [first + G * G, C], raster order
  y: Tensor; // [first + S * S, C], S = ceil(G / factor)
  /** G, patches a side */
  grid: number;
  factor: number;
  /** Rows in front of the grid, kept as they are. */
  first: number;
}

/** y = averages of windows of factor x factor patches; smaller windows at the right and bottom over what they hold. */
export function pool(recorder: Recorder, { x, y, grid, factor, first }: PoolArgs): void {
  const [, width] = matrixShape("pool x", x);
  const outputs = first + ceilDiv(grid, factor) ** 2;
  checkShape("pool x", x, [first + grid * grid, width]);
  checkShape("pool y", y, [outputs, width]);
  recorder.dispatch(kernel.variant(), { x, y }, { grid, factor, width, first }, elementGrid(outputs * width, 64));
}
