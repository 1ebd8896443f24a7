/** Norms of queries and keys between their product and RoPE: over each head (Qwen3), or over all heads at once. */
import shader from "../../shaders/qk-norm.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, foldGrid, matrixShape, withRowReduction } from "./common.ts";

const kernel = new Kernel({
  name: "qk-norm",
  shader,
  bindings: { queryWeight: "read", keyWeight: "read", queryBias: "read", keyBias: "read", qkv: "write" },
  params: {
    rows: "u32",
    stride: "u32",
    querySpans: "u32",
    querySpan: "u32",
    queryPitch: "u32",
    keySpans: "u32",
    keySpan: "u32",
    eps: "f32",
  },
});

export interface QkNormArgs {
  qkv: Tensor; // [T, (queryPitch H + 2 Hk) D]: queries, then keys, then values
  /** Distance between queries, in widths of a head, for norms of heads; channels between queries stay. Default 1. */
  queryPitch?: number | undefined;
  /** As wide as a head, or as all heads; the norm runs over that width. */
  queryWeight: Tensor; // [D] or [H D]
  keyWeight: Tensor; // [D] or [Hk D]
  /** With both biases the norms are layer norms, without them RMS norms. */
  queryBias?: Tensor | undefined; // as queryWeight
  keyBias?: Tensor | undefined; // as keyWeight
  eps: number;
  /** H */
  heads: number;
  /** Hk */
  keyHeads: number;
  /** D */
  headWidth: number;
}

/** Norms queries and keys in place; values stay. */
export function qkNorm(recorder: Recorder, args: QkNormArgs): void {
  const { qkv, queryPitch = 1, queryWeight, keyWeight, queryBias, keyBias, eps, heads, keyHeads, headWidth } = args;
  const [rows, stride] = matrixShape("qk-norm qkv", qkv);
  checkShape("qk-norm qkv", qkv, [rows, (queryPitch * heads + 2 * keyHeads) * headWidth]);
  const [querySpan = 0] = queryWeight.shape;
  const [keySpan = 0] = keyWeight.shape;
  const isOfHeads = querySpan === headWidth && keySpan === headWidth;
  const isOfAll = querySpan === heads * headWidth && keySpan === keyHeads * headWidth;
  assert(isOfHeads || isOfAll, `qk-norm: weights of ${querySpan} and ${keySpan} for heads of ${headWidth}`);
  assert(isOfHeads || queryPitch === 1, `qk-norm: one norm over queries that lie ${queryPitch} heads apart`);
  const [querySpans, keySpans] = isOfHeads ? [heads, keyHeads] : [1, 1];
  const isCentred = queryBias !== undefined && keyBias !== undefined;
  assert(isCentred || (!queryBias && !keyBias), "qk-norm: a bias of queries or of keys alone");
  if (isCentred) checkShape("qk-norm query bias", queryBias, [querySpan]);
  if (isCentred) checkShape("qk-norm key bias", keyBias, [keySpan]);
  const { constants, ...reduction } = withRowReduction(recorder.capabilities, 64);
  recorder.dispatch(
    kernel.variant({ ...reduction, constants: { ...constants, CENTRED: Number(isCentred) } }),
    { queryWeight, keyWeight, queryBias: queryBias ?? queryWeight, keyBias: keyBias ?? keyWeight, qkv },
    { rows, stride, querySpans, querySpan, queryPitch: queryPitch * querySpan, keySpans, keySpan, eps },
    foldGrid(rows * (querySpans + keySpans)),
  );
}
