/** The product of one row with a linear layer's weights: decoding. Many rows: matmul.ts; which: linear.ts. */
import team from "../../shaders/lib/team.wgsl?raw";
import teamSubgroup from "../../shaders/lib/team-subgroup.wgsl?raw";
import shader from "../../shaders/matvec.wgsl?raw";
import { Kernel, type VariantOptions } from "../gpu/kernel.ts";
import type { Capabilities, Recorder } from "../gpu/pass.ts";
import { scalesOffset, type Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { type Activation, activationConstant, activationLib } from "./activation.ts";
import { checkShape, foldGrid, matrixShape } from "./common.ts";
import type { MatmulArgs } from "./matmul.ts";
import { chooseChunk } from "./weights.ts";

const kernel = new Kernel({
  name: "matvec",
  shader,
  bindings: { x: "read", weight: "read", bias: "read", norm: "read", y: "write" },
  params: {
    cols: "u32",
    inner: "u32",
    scales: "u32",
    has_bias: "u32",
    accumulate: "u32",
    width: "u32",
    eps: "f32",
  },
});

/**
 * Invocations, and fours of weight rows, of a workgroup. On a GPU 64 invocations are two subgroups, a four for each. A
 * subgroup of the software adapter is 4 invocations, and each that finds no work still costs: with 64 invocations it
 * reached 0.27 GFLOP/s at [512] x [2048, 512], with 8 for two fours 0.51, with 4 for two 0.70 (for one 0.53, for four
 * 0.56). One four for the whole workgroup, by barriers, which is all that a device without subgroups can do: 0.04.
 */
function workgroup({ software, subgroups }: Capabilities) {
  return software && subgroups ? { WORKGROUP_SIZE: 4, SLOTS: 2 } : { WORKGROUP_SIZE: 64, SLOTS: 2 };
}

/** An RMS norm of the row in front of its product. */
export interface RowNorm {
  weight: Tensor; // [K]
  eps: number;
}

interface Product {
  x: Tensor; // [1, K]
  norm?: RowNorm | undefined;
  weight: Tensor; // [N, K], or [2 F, K] if gated
  bias?: Tensor | undefined; // [N]
  y: Tensor; // [1, N], or [1, F] if gated
  activation: Activation;
  accumulate: boolean;
  gated: boolean;
}

function dispatch(recorder: Recorder, { x, norm, weight, bias, y, activation, accumulate, gated }: Product): void {
  const [rows, inner] = matrixShape("matvec weight", weight);
  const cols = gated ? rows / 2 : rows;
  checkShape("matvec x", x, [1, inner]);
  if (norm) checkShape("matvec norm", norm.weight, [inner]);
  if (bias) checkShape("matvec bias", bias, [cols]);
  checkShape("matvec y", y, [1, cols]);

  const { key, texts, elements } = chooseChunk(weight);
  const { subgroups } = recorder.capabilities;
  const shape = workgroup(recorder.capabilities);
  const needs: VariantOptions = subgroups ? { enables: ["subgroups"], requires: ["subgroup_id"] } : {};
  const variant = kernel.variant({
    ...needs,
    libs: {
      key: subgroups ? `${key} subgroups` : key,
      texts: [...texts, subgroups ? teamSubgroup : team, activationLib],
    },
    constants: { ...shape, GATED: Number(gated), NORMED: Number(!!norm), ...activationConstant(activation) },
  });
  recorder.dispatch(
    variant,
    { x, weight, bias: bias ?? weight, norm: norm?.weight ?? x, y },
    {
      ...{ cols, inner: inner / elements, scales: scalesOffset(weight) },
      ...{ has_bias: Number(!!bias), accumulate: Number(accumulate), width: inner, eps: norm?.eps ?? 0 },
    },
    foldGrid(ceilDiv(cols, shape.SLOTS * (gated ? 2 : 4))),
  );
}

/** `matmul` of one row: x [1, K], y [1, N]; with `norm`, of the normed row. */
export function matvec(recorder: Recorder, args: MatmulArgs & { norm?: RowNorm | undefined }): void {
  const { activation = "none", accumulate = false } = args;
  dispatch(recorder, { ...args, activation, accumulate, gated: false });
}

export interface GatedMatvecArgs {
  x: Tensor; // [1, K]
  /** All rows of gate, then all rows of up. */
  weight: Tensor; // [2 F, K]
  /** Puts x through this norm first. */
  norm?: RowNorm | undefined;
  y: Tensor; // [1, F]
}

/** y = silu(W_gate x) * W_up x: `matvec` and `siluGate` in one dispatch, and `rmsNorm` where there is one. */
export function gatedMatvec(recorder: Recorder, args: GatedMatvecArgs): void {
  dispatch(recorder, { ...args, activation: "none", accumulate: false, gated: true });
}
