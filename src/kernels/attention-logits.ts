/** The logits of one row over the KV cache, without inhibition; `rowMean` turns them into weights. */
import shader from "../../shaders/attention-logits.wgsl?raw";
import keyPart from "../../shaders/lib/key-part.wgsl?raw";
import softCap from "../../shaders/lib/soft-cap.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { checkShape, withRowReduction } from "./common.ts";
import { type AttentionSizes, checkHeadRows, chooseCachedPart, groupHeads, type HeadRows } from "./heads.ts";

const kernel = new Kernel({
  name: "attention-logits",
  shader,
  bindings: { q: "read", k: "read", visible: "read", logits: "write", sums: "write" },
  params: {
    keys: "u32",
    heads: "u32",
    keyHeads: "u32",
    qOffset: "u32",
    kStride: "u32",
    kOffset: "u32",
    scale: "f32",
    cap: "f32",
  },
});

/** Keys that have a log-sum-exp of their own: four an invocation on a GPU. */
export const LOGITS_SPLIT_KEYS = 256;

export interface AttentionLogitsArgs extends AttentionSizes {
  q: HeadRows; // one row of H heads
  k: HeadRows; // S rows of Hk heads; rows from S on are never read
  /** The keys visible[0] .. visible[1], half-open, cut at S, are seen; the others are not read. */
  visible: Tensor; // [1, 2] u32
  /** Out: q k^T * scale; EMPTY_LOG_SUM_EXP for unseen keys. */
  logits: Tensor; // [H, S]
  /** Out: log-sum-exp over the seen keys of each split of `LOGITS_SPLIT_KEYS` keys; EMPTY_LOG_SUM_EXP where there are none. */
  sums: Tensor; // [splits, H]
}

/** logits = q k^T * scale of one row over the keys that it sees, and sums = log-sum-exp of each split of them. */
export function attentionLogits(recorder: Recorder, args: AttentionLogitsArgs): void {
  const { q, k, visible, logits, sums, keys, heads, keyHeads, headWidth, scale } = args;
  checkHeadRows("attention-logits q", q, 1, heads, headWidth);
  checkHeadRows("attention-logits k", k, keys, keyHeads, headWidth);
  const splits = ceilDiv(keys, LOGITS_SPLIT_KEYS);
  checkShape("attention-logits visible", visible, [1, 2]);
  checkShape("attention-logits logits", logits, [heads, keys]);
  checkShape("attention-logits sums", sums, [splits, heads]);

  const part = chooseCachedPart(k.tensor, headWidth, q.offset, k.stride, k.offset);
  const { GROUP, workgroups } = groupHeads(heads, keyHeads);
  const constants = { HEAD_PARTS: headWidth / part.width, GROUP, SPLIT_KEYS: LOGITS_SPLIT_KEYS };
  const reduction = withRowReduction(recorder.capabilities, LOGITS_SPLIT_KEYS / 4);
  recorder.dispatch(
    kernel.variant({
      ...reduction,
      libs: { key: `${part.key} ${reduction.libs.key}`, texts: [part.text, keyPart, softCap, ...reduction.libs.texts] },
      constants: { ...reduction.constants, ...constants },
    }),
    { q: q.tensor, k: k.tensor, visible, logits, sums },
    {
      keys,
      heads,
      keyHeads,
      qOffset: q.offset / part.width,
      kStride: k.stride / part.width,
      kOffset: k.offset / part.width,
      scale,
      cap: args.cap ?? 0,
    },
    [workgroups, splits],
  );
}
