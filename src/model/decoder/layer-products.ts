/**
 * The two fused products of a decoder layer, by the kernels for the number of rows. One row needs a single dispatch, if
 * its weights are in one buffer; more rows need a product and a second dispatch.
 */
import type { Recorder } from "../../gpu/pass.ts";
import { isSplit, type Matrix, type Tensor } from "../../gpu/tensor.ts";
import { gate } from "../../kernels/gate.ts";
import { linear } from "../../kernels/linear.ts";
import { gatedMatvec } from "../../kernels/matvec.ts";
import { type QkNormArgs, qkNorm } from "../../kernels/qk-norm.ts";
import { qkv } from "../../kernels/qkv.ts";
import { type RopeTarget, rope } from "../../kernels/rope.ts";
import type { RowNorm } from "../../kernels/row-product.ts";
import type { Activation } from "../../shared/activation.ts";

/** Input rows of a product: normed already, or a single row with its norm. */
export interface ProductInput {
  x: Tensor; // [T, W]
  norm?: RowNorm;
}

export interface QkvRopeArgs extends RopeTarget {
  input: ProductInput;
  weight: Matrix; // [(queryPitch H + 2 Hk) D, W]
  bias: Tensor | undefined; // [(queryPitch H + 2 Hk) D]
  /** Norms of queries and keys before RoPE. They need a separate dispatch, and so a separate product. */
  norms: Pick<QkNormArgs, "queryWeight" | "keyWeight" | "queryBias" | "keyBias" | "eps"> | undefined;
  /** The product before RoPE, for several rows, for norms, and for queries with gaps between them. */
  scratch: Tensor; // [T, (queryPitch H + 2 Hk) D]
  /** Distance between queries, in widths of a head. */
  queryPitch: number;
  /** Changes some of the products before RoPE, which then need a separate dispatch. */
  change?: ((qkv: Tensor) => void) | undefined;
}

/** q = RoPE(W_q x); RoPE(W_k x) and W_v x become rows of the cache. */
export function qkvRope(
  recorder: Recorder,
  { input, weight, bias, norms, scratch, queryPitch, change, ...target }: QkvRopeArgs,
): void {
  if (input.x.shape[0] === 1 && !isSplit(weight) && !norms && !change && queryPitch === 1) {
    qkv(recorder, { ...input, weight, bias, ...target });
    return;
  }
  linear(recorder, { ...input, weight, bias, y: scratch });
  change?.(scratch);
  if (norms) qkNorm(recorder, { ...norms, ...target, queryPitch, qkv: scratch });
  rope(recorder, { qkv: scratch, queryPitch, ...target });
}

export interface GatedArgs {
  input: ProductInput;
  weight: Matrix; // [2 F, W]: gate, then up
  activation: Activation;
  y: Tensor; // [T, F]
  /** For several rows: both products. */
  scratch: Tensor; // [T, 2 F]
}

/** y = activation(W_gate x) * W_up x. */
export function gatedProduct(recorder: Recorder, { input, weight, activation, y, scratch }: GatedArgs): void {
  if (input.x.shape[0] === 1 && !isSplit(weight)) {
    gatedMatvec(recorder, { ...input, weight, activation, y });
    return;
  }
  linear(recorder, { ...input, weight, y: scratch });
  gate(recorder, { gateUp: scratch, activation, y });
}
