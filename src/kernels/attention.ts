/**
 * Attention of many query rows at once: the vision encoder and prefill. One row has a kernel of its own
 * (attention-decode.ts).
 *
 * The mask is data: `visible` [T, 2] holds one half-open range of keys for each row. Ranges express all of these:
 * - causal: the row at cache row j sees [0, j + 1)
 * - a sliding window of w keys: [max(0, j + 1 - w), j + 1)
 * - a picture whose rows see each other in both directions: its rows see up to the picture's end
 * - prefix-LM: the rows of the prefix see [0, end of the prefix)
 * - a batch of B views in the encoder: the rows of view b see [b * T1, (b + 1) * T1), for T1 rows a view
 * - a row that sees nothing: an empty range
 * So no kernel needs a batch dimension, a mask kind or a family's name.
 */
import shader from "../../shaders/attention.wgsl?raw";
import keyRanges from "../../shaders/lib/key-ranges.wgsl?raw";
import softCap from "../../shaders/lib/soft-cap.wgsl?raw";
import type { Recorder } from "../gpu/pass.ts";
import { type Tensor, typeName } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { checkShape } from "./common.ts";
import { type AttentionSizes, checkHeadRows, chooseCachedPart, type HeadRows, KernelWithLogSumExp } from "./heads.ts";
import { SOFTWARE } from "./software.ts";

const interfaceOfBoth = {
  bindings: { q: "read", k: "read", v: "read", visible: "read", inhibited: "read", y: "write" },
  params: {
    rows: "u32",
    keys: "u32",
    heads: "u32",
    keyHeads: "u32",
    qStride: "u32",
    qOffset: "u32",
    kStride: "u32",
    kOffset: "u32",
    vStride: "u32",
    vOffset: "u32",
    firstRow: "u32",
    inhibitedWords: "u32",
    scale: "f32",
    cap: "f32",
  },
} as const;
const tiled = new KernelWithLogSumExp({ name: "attention", shader, ...interfaceOfBoth });
const quad = new KernelWithLogSumExp({
  name: "attention-quad",
  shader: () => SOFTWARE.now.attentionQuad,
  ...interfaceOfBoth,
});

export interface AttentionArgs extends AttentionSizes {
  q: HeadRows; // T rows of H heads
  k: HeadRows; // S rows of Hk heads; rows from S on are never read
  v: HeadRows; // S rows of Hk heads; rows from S on are never read
  /** Row t sees the keys visible[t][0] .. visible[t][1], half-open. Ends past S count as S; a range may be empty. */
  visible: Tensor; // [T, 2] u32
  y: Tensor; // [T, H D]
  /** Natural logarithm of the sum of exp(logit) over the keys that took part; EMPTY_LOG_SUM_EXP where none did. */
  logSumExp?: Tensor | undefined; // [T, H]
  /** Where bit s % 32 of word s / 32 is set, the pair (t, s) is at -inf in every head. */
  inhibited?: Tensor | undefined; // [T, ceil(S / 32)] u32
  /** T */
  rows: number;
  /** Rows of q before this one are left out: neither read nor written. Default 0. */
  firstRow?: number | undefined;
}

/** Bytes of keys that a workgroup keeps: with the rest below the 16 KiB that every device has. */
const TILE_BYTES = 10 << 10;

/** y = softmax(q k^T * scale, unseen and inhibited pairs at -inf) v; zeros where nothing is left. */
export function attention(recorder: Recorder, args: AttentionArgs): void {
  const { q, k, v, visible, y, logSumExp, inhibited, rows, keys, heads, keyHeads, headWidth, scale } = args;
  const { firstRow = 0 } = args;
  assert(heads % keyHeads === 0, `attention: ${heads} heads on ${keyHeads} key heads`);
  checkHeadRows("attention q", q, rows, heads, headWidth);
  checkHeadRows("attention k", k, keys, keyHeads, headWidth);
  checkHeadRows("attention v", v, keys, keyHeads, headWidth);
  checkShape("attention visible", visible, [rows, 2]);
  checkShape("attention y", y, [rows, heads * headWidth]);
  const inhibitedWords = ceilDiv(keys, 32);
  if (inhibited) checkShape("attention inhibited", inhibited, [rows, inhibitedWords]);
  if (logSumExp) checkShape("attention logSumExp", logSumExp, [rows, heads]);
  assert(firstRow < rows, `attention: rows from ${firstRow} on, of ${rows}`);

  assert(
    k.tensor.type === v.tensor.type,
    `attention: keys in ${typeName(k.tensor.type)}, values in ${typeName(v.tensor.type)}`,
  );
  const part = chooseCachedPart(k.tensor, headWidth, q.stride, q.offset, k.stride, k.offset, v.stride, v.offset);
  const { software, subgroups } = recorder.capabilities;
  const useQuads = software && subgroups;
  const fits = 16 * (headWidth + part.width) * 4 <= TILE_BYTES;
  const tile = useQuads ? {} : { ROW_LANES: 8, KEY_LANES: 8, KEY_BLOCK: fits ? 2 : 1 };
  (useQuads ? quad : tiled).dispatch(
    recorder,
    {
      part,
      libs: [softCap, keyRanges],
      constants: { HEAD_PARTS: headWidth / part.width, ...tile },
      quads: useQuads,
    },
    { q: q.tensor, k: k.tensor, v: v.tensor, visible, inhibited: inhibited ?? visible, y, logSumExp },
    {
      rows,
      keys,
      heads,
      keyHeads,
      qStride: q.stride / part.width,
      qOffset: q.offset / part.width,
      kStride: k.stride / part.width,
      kOffset: k.offset / part.width,
      vStride: v.stride / part.width,
      vOffset: v.offset / part.width,
      firstRow,
      inhibitedWords: inhibited ? inhibitedWords : 0,
      scale,
      cap: args.cap ?? 0,
    },
    [ceilDiv(rows - firstRow, useQuads ? 16 : 32), heads],
  );
}
