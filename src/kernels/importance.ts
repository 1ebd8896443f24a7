/** Importance of patch tokens by one block's attention (paper, before eq. 5). */
import shader from "../../shaders/importance.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, withReduction } from "./common.ts";
import { checkHeadRows, type HeadRows } from "./heads.ts";

const kernel = new Kernel({
  name: "importance",
  shader,
  bindings: { q: "read", k: "read", logSumExp: "read", scores: "write" },
  params: {
    queries: "u32",
    tokens: "u32",
    first: "u32",
    heads: "u32",
    headWidth: "u32",
    qStride: "u32",
    qOffset: "u32",
    kStride: "u32",
    kOffset: "u32",
    scale: "f32",
  },
});

export interface ImportanceArgs {
  q: HeadRows; // T rows of H heads
  k: HeadRows; // T rows of H heads
  logSumExp: Tensor; // [T, H], of `attention` over all T tokens
  scores: Tensor; // [N], N = T - 1 with a class token, else T
  classToken: boolean;
  heads: number;
  headWidth: number;
  scale: number;
}

/**
 * With a class token: the head mean of the class row's attention weights, its own column left out. Without one: the
 * mean over heads and all queries of the weight that a token receives.
 */
export function importance(recorder: Recorder, args: ImportanceArgs): void {
  const { q, k, logSumExp, scores, classToken, heads, headWidth, scale } = args;
  const tokens = scores.shape[0]!;
  const first = classToken ? 1 : 0;
  const rows = tokens + first;
  checkHeadRows("importance q", q, rows, heads, headWidth);
  checkHeadRows("importance k", k, rows, heads, headWidth);
  checkShape("importance logSumExp", logSumExp, [rows, heads]);
  const params = {
    queries: classToken ? 1 : rows,
    tokens,
    first,
    heads,
    headWidth,
    qStride: q.stride,
    qOffset: q.offset,
    kStride: k.stride,
    kOffset: k.offset,
    scale,
  };
  const variant = kernel.variant(withReduction(recorder.capabilities, 64));
  recorder.dispatch(variant, { q: q.tensor, k: k.tensor, logSumExp, scores }, params, [tokens]);
}
