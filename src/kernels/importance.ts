/** Importance of cells by one block's attention (paper, before eq. 5). */
import shader from "../../shaders/importance.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, matrixShape, withReduction } from "./common.ts";
import { checkHeadRows, type HeadRows } from "./heads.ts";

const kernel = new Kernel({
  name: "importance",
  shader,
  bindings: { q: "read", k: "read", logSumExp: "read", scores: "write" },
  params: {
    queries: "u32",
    cells: "u32",
    seats: "u32",
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
  q: HeadRows; // B * (first + N * S) rows of H heads
  k: HeadRows; // B * (first + N * S) rows of H heads
  logSumExp: Tensor; // [B * (first + N * S), H], of an `attention` in which each view sees all of itself and nothing else
  scores: Tensor; // [B, N]
  /** Whether the first row of every view is a class token: first is 1, else 0. */
  classToken: boolean;
  /** S, rows of a cell. */
  seats: number;
  heads: number;
  headWidth: number;
  scale: number;
}

/**
 * Sums the scores of a cell's rows. The score of a row is, with a class token, the head mean of the attention weight that
 * the class token pays to it; without one, the mean over the heads and all queries of its view.
 */
export function importance(recorder: Recorder, args: ImportanceArgs): void {
  const { q, k, logSumExp, scores, classToken, seats, heads, headWidth, scale } = args;
  const [views, cells] = matrixShape("importance scores", scores);
  const first = classToken ? 1 : 0;
  const viewRows = first + cells * seats;
  checkHeadRows("importance q", q, views * viewRows, heads, headWidth);
  checkHeadRows("importance k", k, views * viewRows, heads, headWidth);
  checkShape("importance logSumExp", logSumExp, [views * viewRows, heads]);
  const params = {
    queries: classToken ? 1 : viewRows,
    cells,
    seats,
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
  recorder.dispatch(variant, { q: q.tensor, k: k.tensor, logSumExp, scores }, params, [cells, views]);
}
