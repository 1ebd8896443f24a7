/** Queries, keys and values of one row: `matvec` and `rope` in one dispatch. Many rows use `linear`, then `rope`. */
import storeF16 from "../../shaders/lib/cache-store-f16.wgsl?raw";
import storeF32 from "../../shaders/lib/cache-store-f32.wgsl?raw";
import halfPair from "../../shaders/lib/half-pair.wgsl?raw";
import shader from "../../shaders/qkv.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import { scalesOffset, type Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, matrixShape } from "./common.ts";
import { checkRope, chooseAxes, type RopeTarget, tablePitch, turnedChannels } from "./rope.ts";
import { chooseRowProduct, type RowNorm } from "./row-product.ts";

const kernel = new Kernel({
  name: "qkv",
  shader,
  bindings: {
    x: "read",
    weight: "read",
    bias: "read",
    norm: "read",
    positions: "read",
    table: "read",
    q: "write",
    cache: "write",
  },
  params: {
    cols: "u32",
    inner: "u32",
    scales: "u32",
    hasBias: "u32",
    width: "u32",
    eps: "f32",
    heads: "u32",
    keyHeads: "u32",
    half: "u32",
    cacheRow: "u32",
    halfTurned: "u32",
    tablePitch: "u32",
  },
});

export interface QkvArgs extends RopeTarget {
  x: Tensor; // [1, K]
  /** x passes through this norm first. */
  norm?: RowNorm | undefined;
  weight: Tensor; // [(H + 2 Hk) D, K]: queries, then keys, then values
  bias?: Tensor | undefined; // [(H + 2 Hk) D]
}

/** q = RoPE(W_q x + b_q); RoPE(W_k x + b_k) and W_v x + b_v become row `cacheRow` of the cache. */
export function qkv(recorder: Recorder, args: QkvArgs): void {
  const { x, norm, weight, bias, positions, axisOfPair, table, q, cache, cacheRow, heads, keyHeads, headWidth } = args;
  const [rows, width] = matrixShape("qkv weight", weight);
  checkRope("qkv", args, 1);
  checkShape("qkv weight", weight, [(heads + 2 * keyHeads) * headWidth, width]);
  checkShape("qkv x", x, [1, width]);
  if (norm) checkShape("qkv norm", norm.weight, [width]);
  if (bias) checkShape("qkv bias", bias, [rows]);
  const cols = rows / 2;
  const axes = chooseAxes(axisOfPair);
  const isHalf = cache.type === "f16";
  const even = headWidth % 4 === 0 && turnedChannels(args) % 4 === 0;
  assert(!isHalf || even, `qkv: heads of ${headWidth} in a cache of f16`);
  const [suffix, store] = isHalf ? [" f16", [halfPair, storeF16]] : ["", [storeF32]];
  const { options, grid, inner } = chooseRowProduct(recorder.capabilities, {
    weight,
    normed: !!norm,
    outputs: 2,
    cols,
    libs: [axes.text, ...store],
    constants: axes.constants,
  });
  recorder.dispatch(
    kernel.variant({ ...options, libs: { ...options.libs!, key: `${options.libs!.key}${suffix}` } }),
    { x, weight, bias: bias ?? weight, norm: norm?.weight ?? x, positions, table, q, cache },
    {
      cols,
      inner,
      scales: scalesOffset(weight),
      hasBias: Number(!!bias),
      width,
      eps: norm?.eps ?? 0,
      heads,
      keyHeads,
      half: headWidth / 2,
      cacheRow,
      halfTurned: turnedChannels(args) / 2,
      tablePitch: tablePitch(args),
    },
    grid,
  );
}
