/** Importance of cells by one block's attention (paper, before eq. 5). */
import shader from "../../shaders/importance.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { checkShape, matrixShape, withRowReduction } from "./common.ts";
import { checkHeadRows, choosePart, type HeadRows } from "./heads.ts";
import { SOFTWARE } from "./software.ts";

const bindings = { q: "read", k: "read", logSumExp: "read", scores: "write" } as const;
const sizes = { queries: "u32", cells: "u32", seats: "u32", heads: "u32", groupCells: "u32" } as const;
const places = { qStride: "u32", qOffset: "u32", kStride: "u32", kOffset: "u32", scale: "f32" } as const;
const kernel = new Kernel({
  name: "importance",
  shader,
  bindings,
  params: { ...sizes, first: "u32", ...places },
});
const quad = new Kernel({
  name: "importance-quad",
  shader: () => SOFTWARE.now.importanceQuad,
  bindings,
  params: { ...sizes, ...places },
});

/** Rows of a tile of keys in each shader, and most cells of a workgroup. */
const TILE_KEYS = 8;
const QUAD_KEYS = 32;
const WORKGROUP_SIZE = 256;

export interface ImportanceArgs {
  q: HeadRows; // B * (first + N * S) rows of H heads
  k: HeadRows; // B * (first + N * S) rows of H heads
  logSumExp: Tensor; // [B * (first + N * S), H], of an `attention` in which each view sees all of itself and nothing else
  scores: Tensor; // [B, N]
  /** True if the first row of every view is a class token: `first` is 1, else 0. */
  classToken: boolean;
  /** S, rows of a cell. */
  seats: number;
  heads: number;
  headWidth: number;
  scale: number;
}

/**
 * Sums the scores of a cell's rows. With a class token, the score of a row is the head mean of the attention weight
 * that the class token pays to it. Without one, it is the mean over the heads and all queries of its view.
 */
export function importance(recorder: Recorder, args: ImportanceArgs): void {
  const { q, k, logSumExp, scores, classToken, seats, heads, headWidth, scale } = args;
  const [views, cells] = matrixShape("importance scores", scores);
  const first = classToken ? 1 : 0;
  const viewRows = first + cells * seats;
  checkHeadRows("importance q", q, views * viewRows, heads, headWidth);
  checkHeadRows("importance k", k, views * viewRows, heads, headWidth);
  checkShape("importance logSumExp", logSumExp, [views * viewRows, heads]);
  const part = choosePart(headWidth, q.stride, q.offset, k.stride, k.offset);
  const { software, subgroups } = recorder.capabilities;
  const useQuads = software && subgroups && !classToken;
  // Whole cells that fill a tile of keys.
  const groupCells = Math.max(1, Math.floor((useQuads ? QUAD_KEYS : TILE_KEYS) / seats));
  const tensors = { q: q.tensor, k: k.tensor, logSumExp, scores };
  const params = {
    queries: classToken ? 1 : viewRows,
    cells,
    seats,
    heads,
    groupCells,
    qStride: q.stride / part.width,
    qOffset: q.offset / part.width,
    kStride: k.stride / part.width,
    kOffset: k.offset / part.width,
    scale,
  };
  const grid = [ceilDiv(cells, groupCells), views] as const;
  const HEAD_PARTS = headWidth / part.width;
  if (useQuads) {
    const libs = { key: part.key, texts: [part.text, SOFTWARE.now.quadProducts] };
    const variant = quad.variant({ libs, constants: { HEAD_PARTS }, enables: ["subgroups"] });
    recorder.dispatch(variant, tensors, params, grid);
    return;
  }
  const { libs, constants, ...rest } = withRowReduction(recorder.capabilities, WORKGROUP_SIZE);
  const variant = kernel.variant({
    libs: { key: `${libs.key} ${part.key}`, texts: [...libs.texts, part.text] },
    constants: { ...constants, HEAD_PARTS },
    ...rest,
  });
  recorder.dispatch(variant, tensors, { ...params, first }, grid);
}
