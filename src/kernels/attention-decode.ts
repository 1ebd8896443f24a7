/**
 * Attention of one query row over the KV cache (flash decoding, Dao et al. 2023), parallel over the keys. The result
 * equals that of attention.ts on the same row, up to rounding.
 */
import shader from "../../shaders/attention-decode.wgsl?raw";
import combineShader from "../../shaders/attention-decode-combine.wgsl?raw";
import softCap from "../../shaders/lib/soft-cap.wgsl?raw";
import splitSums from "../../shaders/lib/split-sums.wgsl?raw";
import type { Arena } from "../gpu/arena.ts";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import { type Tensor, typeName, view } from "../gpu/tensor.ts";
import { alignTo, assert, ceilDiv } from "../shared/assert.ts";
import { checkShape } from "./common.ts";
import {
  type AttentionSizes,
  checkHeadRows,
  chooseCachedPart,
  choosePart,
  groupHeads,
  type HeadRows,
  KernelWithLogSumExp,
} from "./heads.ts";
import { SOFTWARE } from "./software.ts";

const interfaceOfBoth = {
  bindings: { q: "read", k: "read", v: "read", visible: "read", inhibited: "read", y: "write" },
  params: {
    keys: "u32",
    splitKeys: "u32",
    heads: "u32",
    keyHeads: "u32",
    qOffset: "u32",
    kStride: "u32",
    kOffset: "u32",
    vStride: "u32",
    vOffset: "u32",
    hasInhibited: "u32",
    scale: "f32",
    cap: "f32",
  },
} as const;
const kernel = new KernelWithLogSumExp({ name: "attention-decode", shader, ...interfaceOfBoth });
const quad = new KernelWithLogSumExp({
  name: "attention-decode-quad",
  shader: () => SOFTWARE.now.attentionDecodeQuad,
  ...interfaceOfBoth,
});

const combine = new Kernel({
  name: "attention-decode-combine",
  shader: combineShader,
  bindings: { splitOutputs: "read", splitSums: "read", y: "write" },
  params: { splits: "u32", heads: "u32" },
});

/** Invocations of a workgroup on a GPU, and so keys of a chunk. */
const THREADS = 256;

/**
 * The same on software adapters without subgroups, or the Parts of a head. With 256, lavapipe switches between 32 vectors
 * of 8 at each barrier: 9 heads of 64 over 65 keys took 1.97 ms, with 64 invocations 0.44, 32 0.34, 16 0.30; over 512 keys
 * 2.97, 1.45, 1.32, 1.27.
 */
const SOFTWARE_THREADS = 16;

/** Up to this many keys one dispatch suffices; above, a second one joins the splits. */
export const UNSPLIT_KEYS = 1024;

/** Keys of a split: one chunk of a GPU, so that a long context fills a GPU. */
const SPLIT_KEYS = THREADS;

/** Each has a Part or two of its head; a subgroup or two. */
const COMBINE_THREADS = 32;

/** Results of the splits, which the second dispatch reads; the arena's tensors. One pair serves all layers in turn. */
export interface DecodePartials {
  outputs: Tensor; // [splits, H D]
  sums: Tensor; // [splits, H], log-sum-exp
}

/** Memory for the splits of up to `maxKeys` keys; undefined where no context is long enough to be split. */
export function decodePartials(
  arena: Arena,
  { maxKeys, heads, headWidth }: { maxKeys: number; heads: number; headWidth: number },
): DecodePartials | undefined {
  if (maxKeys <= UNSPLIT_KEYS) return undefined;
  const splits = ceilDiv(maxKeys, SPLIT_KEYS);
  return {
    outputs: arena.tensor("attention splits", [splits, heads * headWidth]),
    sums: arena.tensor("attention split sums", [splits, heads]),
  };
}

/** D is at most 256 (1024 where 4 divides it). */
export interface AttentionDecodeArgs extends AttentionSizes {
  q: HeadRows; // one row of H heads
  k: HeadRows; // S rows of Hk heads; rows from S on are never read
  v: HeadRows; // S rows of Hk heads; rows from S on are never read
  /** The keys visible[0] .. visible[1], half-open, cut at S, are seen; the others are not read. */
  visible: Tensor; // [1, 2] u32
  y: Tensor; // [1, H D]
  /** Where bit s % 32 of word s / 32 is set, key s is at -inf in every head. */
  inhibited?: Tensor | undefined; // [1, ceil(S / 32)] u32
  /** Of `decodePartials`; without it long contexts are not split, which is slow on a GPU. */
  partials?: DecodePartials | undefined;
}

/** y = softmax(q k^T * scale, unseen and inhibited keys at -inf) v; zeros where nothing is left. */
export function attentionDecode(recorder: Recorder, args: AttentionDecodeArgs): void {
  const { q, k, v, visible, y, inhibited, partials, keys, heads, keyHeads, headWidth, scale } = args;
  checkHeadRows("attention-decode q", q, 1, heads, headWidth);
  checkHeadRows("attention-decode k", k, keys, keyHeads, headWidth);
  checkHeadRows("attention-decode v", v, keys, keyHeads, headWidth);
  checkShape("attention-decode visible", visible, [1, 2]);
  checkShape("attention-decode y", y, [1, heads * headWidth]);
  if (inhibited) checkShape("attention-decode inhibited", inhibited, [1, ceilDiv(keys, 32)]);

  assert(
    k.tensor.type === v.tensor.type,
    `attention-decode: keys in ${typeName(k.tensor.type)}, values in ${typeName(v.tensor.type)}`,
  );
  const part = chooseCachedPart(k.tensor, headWidth, q.offset, k.stride, k.offset, v.stride, v.offset);
  const headParts = headWidth / part.width;
  assert(headParts <= THREADS, `attention-decode: heads of ${headWidth} need more than ${THREADS} invocations`);
  const { GROUP, workgroups } = groupHeads(heads, keyHeads);
  const split = partials !== undefined && keys > UNSPLIT_KEYS;
  const splits = split ? ceilDiv(keys, SPLIT_KEYS) : 1;
  const { software, subgroups } = recorder.capabilities;
  const quads = software && subgroups;
  const threads = software ? alignTo(Math.max(SOFTWARE_THREADS, headParts), 8) : THREADS;
  const constants = { HEAD_PARTS: headParts, GROUP, ...(quads ? {} : { THREADS: threads }) };
  const target = split
    ? { y: view(partials.outputs, [splits, heads * headWidth]), logSumExp: view(partials.sums, [splits, heads]) }
    : { y };
  (quads ? quad : kernel).dispatch(
    recorder,
    { part, libs: [softCap], constants, quads },
    { q: q.tensor, k: k.tensor, v: v.tensor, visible, inhibited: inhibited ?? visible, ...target },
    {
      keys,
      splitKeys: split ? SPLIT_KEYS : keys,
      heads,
      keyHeads,
      qOffset: q.offset / part.width,
      kStride: k.stride / part.width,
      kOffset: k.offset / part.width,
      vStride: v.stride / part.width,
      vOffset: v.offset / part.width,
      hasInhibited: Number(!!inhibited),
      scale,
      cap: args.cap ?? 0,
    },
    [workgroups, splits],
  );
  if (!split) return;
  const joined = choosePart(headWidth, part.width);
  recorder.dispatch(
    combine.variant({
      libs: { key: joined.key, texts: [joined.text, splitSums] },
      constants: { HEAD_PARTS: headParts, THREADS: COMBINE_THREADS },
    }),
    { splitOutputs: partials.outputs, splitSums: partials.sums, y },
    { splits, heads },
    [heads],
  );
}
