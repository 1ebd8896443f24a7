/** A, the mean over the query heads of the attention weights of text rows on image tokens and on each other. One row: row-mean.ts. */
import shader from "../../shaders/head-mean.wgsl?raw";
import keyPart from "../../shaders/lib/key-part.wgsl?raw";
import pairStore from "../../shaders/lib/pair-store.wgsl?raw";
import softCap from "../../shaders/lib/soft-cap.wgsl?raw";
import textRowLib from "../../shaders/lib/text-row.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { checkShape, matrixShape } from "./common.ts";
import { type AttentionSizes, checkHeadRows, chooseCachedPart, type HeadRows } from "./heads.ts";

const kernel = new Kernel({
  name: "head-mean",
  shader,
  bindings: {
    q: "read",
    k: "read",
    logSumExp: "read",
    slots: "read",
    textRows: "read",
    neighbours: "write",
    imageAttention: "write",
  },
  params: {
    count: "u32",
    firstTextRow: "u32",
    chunkRow: "u32",
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
    cap: "f32",
  },
});

export interface HeadMeanArgs extends AttentionSizes {
  q: HeadRows; // the chunk's T rows of H heads, after RoPE
  k: HeadRows; // S rows of Hk heads, after RoPE
  logSumExp: Tensor; // [T, H], of the uninhibited attention of text rows; not read if `literal`
  /** Column or text row at each row of the cache; these two are of `IndexTables` (model room). */
  slots: Tensor; // [S or more] u32
  textRows: Tensor; // [text rows so far or more, 8] u32
  /** Out: attention to the other text rows that each of them sees. Other entries stay as they are. */
  neighbours: Tensor; // [text rows of the chunk, text rows so far]
  /**
   * Out: attention to the columns that each of them sees, packed as `textRows` says. Other entries stay as they are.
   */
  imageAttention: Tensor;
  /** Number of the chunk's first text row. */
  firstTextRow: number;
  /** The cache row of row 0 of q. */
  chunkRow: number;
  /** Keys before this row are left out: none of them is an image token or a text row that the chunk's text rows see. */
  firstKey: number;
  /** T */
  rows: number;
  /** The mean of the scaled logits instead of the weights. */
  literal: boolean;
}

/** 16 text rows and 16 keys a workgroup. */
const TILE = { ROW_BLOCK: 4, ROW_LANES: 4, KEY_LANES: 16 };

/** A[j, s] = mean over query heads of exp(q k^T * scale - logSumExp), for the chunk's text rows j and the keys s that they see. */
export function headMean(recorder: Recorder, args: HeadMeanArgs): void {
  const { q, k, logSumExp, slots, textRows, neighbours, firstTextRow, chunkRow, firstKey } = args;
  const { rows, keys, heads, keyHeads, headWidth, scale, literal } = args;
  assert(heads % keyHeads === 0, `head-mean: ${heads} heads on ${keyHeads} key heads`);
  checkHeadRows("head-mean q", q, rows, heads, headWidth);
  checkHeadRows("head-mean k", k, keys, keyHeads, headWidth);
  checkShape("head-mean logSumExp", logSumExp, [rows, heads]);
  const [count, total] = matrixShape("head-mean neighbours", neighbours);
  assert(total === firstTextRow + count, `head-mean: ${count} text rows from ${firstTextRow} on, ${total} in all`);
  const tables = elementCount(slots.shape) >= keys && textRows.shape[0]! >= total;
  assert(tables && firstKey < keys, `head-mean: tables too short for ${total} text rows and ${keys} keys`);

  const part = chooseCachedPart(k.tensor, headWidth, q.stride, q.offset, k.stride, k.offset);
  recorder.dispatch(
    kernel.variant({
      libs: { key: part.key, texts: [part.text, keyPart, softCap, textRowLib, pairStore] },
      constants: { HEAD_PARTS: headWidth / part.width, ...TILE },
    }),
    {
      q: q.tensor,
      k: k.tensor,
      logSumExp,
      slots,
      textRows,
      neighbours,
      imageAttention: args.imageAttention,
    },
    {
      count,
      firstTextRow,
      chunkRow,
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
      cap: args.cap ?? 0,
    },
    [ceilDiv(keys - firstKey, TILE.KEY_LANES), ceilDiv(count, TILE.ROW_LANES * TILE.ROW_BLOCK)],
  );
}
