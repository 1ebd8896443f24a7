/** Selected cells as rows of length 1: the input of spherical K-Means. */
import shader from "../../shaders/unit-rows.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { batchShape, checkShape, matrixShape, withReduction } from "./common.ts";

const kernel = new Kernel({
  name: "unit-rows",
  shader,
  bindings: { x: "read", order: "read", y: "write" },
  params: { width: "u32", cells: "u32", skipped: "u32", begin: "u32" },
});

export interface UnitRowsArgs {
  x: Tensor; // [B * (first + N * S), C]
  order: Tensor; // [B, N] u32, indices of cells
  y: Tensor; // [B, R, S * C]
  /** Rows of a view before its cells: 1 with a class token. */
  first: number;
  /** Place in a view's `order` at which the R indices begin. */
  begin: number;
}

/** y[b, r] = cell order[b, begin + r] of view b, its seats in order, over its length; zero rows stay zero. */
export function unitRows(recorder: Recorder, { x, order, y, first, begin }: UnitRowsArgs): void {
  const [, inner] = matrixShape("unit-rows x", x);
  const [views, cells] = matrixShape("unit-rows order", order);
  const [, rows, width] = batchShape("unit-rows y", y);
  checkShape("unit-rows y", y, [views, rows, width]);
  checkShape("unit-rows x", x, [views * (first + (cells * width) / inner), inner]);
  assert(begin + rows <= cells, `unit-rows: ${rows} of ${cells} from ${begin}`);
  const variant = kernel.variant(withReduction(recorder.capabilities, 64));
  recorder.dispatch(variant, { x, order, y }, { width, cells, skipped: first * inner, begin }, [rows, views]);
}
