/** A, the mean over the query heads of the attention weights that text rows pay to image tokens and to each other. One row: row-mean.ts. */
import shader from "../../shaders/head-mean.wgsl?raw";
import pairStore from "../../shaders/lib/pair-store.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { checkShape } from "./common.ts";
import { checkHeadRows, choosePart, type HeadRows } from "./heads.ts";

const kernel = new Kernel({
  name: "head-mean",
  shader,
  bindings: {
    q: "read",
    k: "read",
    logSumExp: "read",
    slots: "read",
    viewerRows: "read",
    starts: "read",
    neighbours: "write",
    imageAttention: "write",
  },
  params: {
    viewers: "u32",
    firstViewer: "u32",
    chunkRow: "u32",
    sumRow: "u32",
    firstKey: "u32",
    keys: "u32",
    heads: "u32",
    keyHeads: "u32",
    qStride: "u32",
    qOffset: "u32",
    kStride: "u32",
    kOffset: "u32",
    literal: "u32",
    scale: "f32",
  },
});

export interface HeadMeanArgs {
  q: HeadRows; // the chunk's T rows of H heads, after RoPE
  k: HeadRows; // S rows of Hk heads, after RoPE
  logSumExp: Tensor; // [rows, H], of the uninhibited attention of the chunk's rows from `sumRow` on; not read if `literal`
  /** Column or viewer at each row of the cache; these three are of a `Sight` (model room). */
  slots: Tensor; // [S or more] u32
  viewerRows: Tensor; // [viewers so far or more] u32
  starts: Tensor; // [viewers so far + 1 or more] u32
  /** Out: to the viewers before each; entries from the viewer itself on are left. */
  neighbours: Tensor; // [viewers, firstViewer + viewers]
  /** Out, packed: row `starts[h]` on holds what viewer h pays to the columns that it sees. Earlier viewers' are left. */
  imageAttention: Tensor; // [starts[firstViewer + viewers] or more]
  /** Viewers of the chunk. */
  viewers: number;
  /** Number of the chunk's first viewer among all. */
  firstViewer: number;
  /** The cache's row that row 0 of q is. */
  chunkRow: number;
  /** The cache's row that row 0 of logSumExp is, not behind the first viewer. */
  sumRow: number;
  /** Row of the first image token; all before it is left out. */
  firstKey: number;
  /** T */
  rows: number;
  /** S */
  keys: number;
  /** H, a multiple of Hk */
  heads: number;
  /** Hk */
  keyHeads: number;
  /** D */
  headWidth: number;
  /** Factor on q k^T. */
  scale: number;
  /** The mean of the scaled logits instead of the weights. */
  literal: boolean;
}

/** 16 viewers and 16 keys a workgroup. */
const TILE = { ROW_BLOCK: 4, ROW_LANES: 4, KEY_LANES: 16 };

/** A[j, s] = mean over query heads of exp(q k^T * scale - logSumExp), for the chunk's viewers j and the keys s that they see. */
export function headMean(recorder: Recorder, args: HeadMeanArgs): void {
  const { q, k, logSumExp, neighbours, viewers, firstViewer, chunkRow, sumRow, firstKey } = args;
  const { rows, keys, heads, keyHeads, headWidth, scale, literal } = args;
  assert(heads % keyHeads === 0, `head-mean: ${heads} heads on ${keyHeads} key heads`);
  checkHeadRows("head-mean q", q, rows, heads, headWidth);
  checkHeadRows("head-mean k", k, keys, keyHeads, headWidth);
  checkShape("head-mean logSumExp", logSumExp, [chunkRow + rows - sumRow, heads]);
  checkShape("head-mean neighbours", neighbours, [viewers, firstViewer + viewers]);
  const tables = elementCount(args.slots.shape) >= keys && elementCount(args.starts.shape) > firstViewer + viewers;
  assert(tables && viewers > 0 && firstKey < keys, `head-mean: ${viewers} viewers after ${firstViewer}, ${keys} keys`);

  const part = choosePart(headWidth, q.stride, q.offset, k.stride, k.offset);
  recorder.dispatch(
    kernel.variant({
      libs: { key: part.key, texts: [part.text, pairStore] },
      constants: { HEAD_PARTS: headWidth / part.width, ...TILE },
    }),
    {
      q: q.tensor,
      k: k.tensor,
      logSumExp,
      slots: args.slots,
      viewerRows: args.viewerRows,
      starts: args.starts,
      neighbours,
      imageAttention: args.imageAttention,
    },
    {
      viewers,
      firstViewer,
      chunkRow,
      sumRow,
      firstKey,
      keys,
      heads,
      keyHeads,
      qStride: q.stride / part.width,
      qOffset: q.offset / part.width,
      kStride: k.stride / part.width,
      kOffset: k.offset / part.width,
      literal: Number(literal),
      scale,
    },
    [ceilDiv(keys - firstKey, TILE.KEY_LANES), ceilDiv(viewers, TILE.ROW_LANES * TILE.ROW_BLOCK)],
  );
}
