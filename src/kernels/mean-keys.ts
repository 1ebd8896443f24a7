/** Keys averaged over the heads: what PruMerge calls similar. */
import shader from "../../shaders/mean-keys.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";
import { checkHeadRows, type HeadRows } from "./heads.ts";

const kernel = new Kernel({
  name: "mean-keys",
  shader,
  bindings: { k: "read", y: "write" },
  params: { tokens: "u32", first: "u32", heads: "u32", headWidth: "u32", kStride: "u32", kOffset: "u32" },
});

export interface MeanKeysArgs {
  k: HeadRows; // first + N rows of H heads
  y: Tensor; // [N, D]
  first: number;
  heads: number;
  headWidth: number;
}

/** y[i] = the mean over the heads of key first + i. */
export function meanKeys(recorder: Recorder, { k, y, first, heads, headWidth }: MeanKeysArgs): void {
  const [tokens] = matrixShape("mean-keys y", y);
  checkShape("mean-keys y", y, [tokens, headWidth]);
  checkHeadRows("mean-keys k", k, first + tokens, heads, headWidth);
  const params = { tokens, first, heads, headWidth, kStride: k.stride, kOffset: k.offset };
  recorder.dispatch(kernel.variant(), { k: k.tensor, y }, params, elementGrid(tokens * headWidth, 64));
}
