/** Selected rows, scaled to length 1: what spherical K-Means works on. */
import shader from "../../shaders/unit-rows.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { matrixShape, withReduction } from "./common.ts";

const kernel = new Kernel({
  name: "unit-rows",
  shader,
  bindings: { x: "read", order: "read", y: "write" },
  params: { width: "u32", first: "u32", begin: "u32" },
});

export interface UnitRowsArgs {
  x: Tensor; // [first + N, C]
  order: Tensor; // [N] u32, indices behind the first rows
  y: Tensor; // [R, C]
  /** Rows of x that `order` does not count: 1 with a class token. */
  first: number;
  /** Where in `order` the R indices begin. */
  begin: number;
}

/** y[r] = x[first + order[begin + r]] / its length; zero rows stay zero. */
export function unitRows(recorder: Recorder, { x, order, y, first, begin }: UnitRowsArgs): void {
  const [rows, width] = matrixShape("unit-rows y", y);
  assert(begin + rows <= order.shape[0]!, `unit-rows: ${rows} of [${order.shape}] from ${begin}`);
  const variant = kernel.variant(withReduction(recorder.capabilities, 64));
  recorder.dispatch(variant, { x, order, y }, { width, first, begin }, [rows]);
}
