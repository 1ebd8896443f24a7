/** Keys averaged over the heads: PruMerge compares cells by them. */
import shader from "../../shaders/mean-keys.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { batchShape, checkShape, elementGrid } from "./common.ts";
import { checkHeadRows, type HeadRows } from "./heads.ts";

const kernel = new Kernel({
  name: "mean-keys",
  shader,
  bindings: { k: "read", y: "write" },
  params: { views: "u32", rows: "u32", first: "u32", heads: "u32", headWidth: "u32", kStride: "u32", kOffset: "u32" },
});

export interface MeanKeysArgs {
  k: HeadRows; // B * (first + N * S) rows of H heads
  y: Tensor; // [B, N * S, D]
  /** Rows of a view that are left out: 1 with a class token. */
  first: number;
  heads: number;
  headWidth: number;
}

/** y[b, i] = the mean over the heads of key first + i of view b. */
export function meanKeys(recorder: Recorder, { k, y, first, heads, headWidth }: MeanKeysArgs): void {
  const [views, rows] = batchShape("mean-keys y", y);
  checkShape("mean-keys y", y, [views, rows, headWidth]);
  checkHeadRows("mean-keys k", k, views * (first + rows), heads, headWidth);
  const params = { views, rows, first, heads, headWidth, kStride: k.stride, kOffset: k.offset };
  recorder.dispatch(kernel.variant(), { k: k.tensor, y }, params, elementGrid(views * rows * headWidth, 64));
}
