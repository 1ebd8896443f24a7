/** Attention of many query rows at once: the vision encoder and prefill. One row has a kernel of its own (attention-decode.ts). */
import shader from "../../shaders/attention.wgsl?raw";
import quadShader from "../../shaders/attention-quad.wgsl?raw";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { checkShape } from "./common.ts";
import { checkHeadRows, choosePart, type HeadRows, KernelWithLogSumExp } from "./heads.ts";

const interfaceOfBoth = {
  bindings: { q: "read", k: "read", v: "read", inhibited: "read", y: "write" },
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
    queryOffset: "u32",
    inhibitedWords: "u32",
    scale: "f32",
  },
} as const;
const tiled = new KernelWithLogSumExp({ name: "attention", shader, ...interfaceOfBoth });
const quad = new KernelWithLogSumExp({ name: "attention-quad", shader: quadShader, ...interfaceOfBoth });

/** As a row's `queryOffset`: it sees all keys. */
const NO_CAUSALITY = 0x7fffffff;

export interface AttentionArgs {
  q: HeadRows; // T rows of H heads
  k: HeadRows; // S rows of Hk heads; rows from S on are never read
  v: HeadRows; // S rows of Hk heads; rows from S on are never read
  y: Tensor; // [T, H D]
  /** Natural logarithm of the sum of exp(logit) over what took part; EMPTY_LOG_SUM_EXP where nothing did. */
  logSumExp?: Tensor | undefined; // [T, H]
  /** Bit s % 32 of word s / 32 set: the pair (t, s) is at -inf in every head. */
  inhibited?: Tensor | undefined; // [T, ceil(S / 32)] u32
  /** T */
  rows: number;
  /** S */
  keys: number;
  /** H, a multiple of Hk; query head h reads key head floor(h / (H / Hk)) */
  heads: number;
  /** Hk */
  keyHeads: number;
  /** D */
  headWidth: number;
  /** Factor on q k^T. */
  scale: number;
  /** Row t sees the keys 0 .. t + queryOffset, inclusive; without it every row sees all keys. */
  causal?: { queryOffset: number } | undefined;
}

/** y = softmax(q k^T * scale, unseen and inhibited pairs at -inf) v; zeros where nothing is left. */
export function attention(recorder: Recorder, args: AttentionArgs): void {
  const { q, k, v, y, logSumExp, inhibited, rows, keys, heads, keyHeads, headWidth, scale, causal } = args;
  assert(heads % keyHeads === 0, `attention: ${heads} heads on ${keyHeads} key heads`);
  checkHeadRows("attention q", q, rows, heads, headWidth);
  checkHeadRows("attention k", k, keys, keyHeads, headWidth);
  checkHeadRows("attention v", v, keys, keyHeads, headWidth);
  checkShape("attention y", y, [rows, heads * headWidth]);
  const inhibitedWords = ceilDiv(keys, 32);
  if (inhibited) checkShape("attention inhibited", inhibited, [rows, inhibitedWords]);
  if (logSumExp) checkShape("attention logSumExp", logSumExp, [rows, heads]);

  const part = choosePart(headWidth, q.stride, q.offset, k.stride, k.offset, v.stride, v.offset);
  const { software, subgroups } = recorder.capabilities;
  const useQuads = software && subgroups;
  const tile = useQuads ? {} : { ROW_LANES: 8, KEY_LANES: 8, KEY_BLOCK: 2 };
  (useQuads ? quad : tiled).dispatch(
    recorder,
    {
      part,
      constants: { HEAD_PARTS: headWidth / part.width, ...tile },
      quads: useQuads,
    },
    { q: q.tensor, k: k.tensor, v: v.tensor, inhibited: inhibited ?? q.tensor, y, logSumExp },
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
      queryOffset: causal?.queryOffset ?? NO_CAUSALITY,
      inhibitedWords: inhibited ? inhibitedWords : 0,
      scale,
    },
    [ceilDiv(rows, useQuads ? 16 : 32), heads],
  );
}
