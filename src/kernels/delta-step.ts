/** One row of the gated delta rule (Yang et al. 2024, Gated DeltaNet), for decoding. Many rows: delta-pairs and delta-chunks. */

import shader from "../../shaders/delta-step.wgsl?raw";
import deltaGates from "../../shaders/lib/delta-gates.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { checkPlaces, placeParams, type StatePlaces } from "./causal-conv.ts";
import { checkShape, withReduction } from "./common.ts";
import { type DeltaHeads, deltaWidth } from "./delta-rule.ts";

const COLUMNS = 16;

const kernel = new Kernel({
  name: "delta-step",
  shader,
  bindings: { qkv: "read", gates: "read", rate: "read", bias: "read", state: "write", y: "write" },
  params: {
    keyHeads: "u32",
    valueHeads: "u32",
    neighbours: "u32",
    valueWidth: "u32",
    queryFactor: "f32",
    hasState: "u32",
    stateFrom: "u32",
    stateTo: "u32",
  },
});

/** The decay and write gates of each row. */
export interface DeltaGates {
  /** Of each value head b, then a: beta = sigmoid(b), g = -exp(rate) softplus(a + bias). */
  gates: Tensor; // [T, 2 Hv]
  rate: Tensor; // [Hv]
  bias: Tensor; // [Hv]
}

export interface DeltaStepArgs extends DeltaHeads, DeltaGates {
  qkv: Tensor; // [1, 2 Hk dk + Hv dv]: queries, keys, values
  /** S of each value head, [Hv, dk, dv] at `places`. */
  state: Tensor;
  places: StatePlaces;
  y: Tensor; // [1, Hv dv]
}

/** Keys and queries of a workgroup lie in its memory. */
export const MAX_KEY_WIDTH = 256;

/** Value heads in a row that share a key head. */
export function neighboursOf({ keyHeads, valueHeads, tiled }: DeltaHeads): number {
  return tiled ? 1 : valueHeads / keyHeads;
}

/** Throws unless the heads and their gates have shapes that kernels run: a bug in the model code. */
export function checkDelta(name: string, args: DeltaHeads & DeltaGates & { qkv: Tensor }, rows: number): void {
  const { keyHeads, valueHeads, keyWidth } = args;
  assert(valueHeads % keyHeads === 0, `${name}: ${valueHeads} value heads on ${keyHeads} key heads`);
  assert(keyWidth <= MAX_KEY_WIDTH, `${name}: keys of ${keyWidth}`);
  checkShape(`${name} qkv`, args.qkv, [rows, deltaWidth(args)]);
  checkShape(`${name} gates`, args.gates, [rows, 2 * valueHeads]);
  checkShape(`${name} rate`, args.rate, [valueHeads]);
  checkShape(`${name} bias`, args.bias, [valueHeads]);
}

/** S *= exp(g); d = beta (v - S^T k); S += k d^T; y = S^T q, with k and q of length 1 and q times dk^-0.5. */
export function deltaStep(recorder: Recorder, args: DeltaStepArgs): void {
  const { qkv, gates, rate, bias, state, places, y, keyHeads, valueHeads, keyWidth, valueWidth } = args;
  checkDelta("delta-step", args, 1);
  checkShape("delta-step y", y, [1, valueHeads * valueWidth]);
  checkPlaces("delta-step", state, places, valueHeads * keyWidth * valueWidth);
  const { libs, constants, ...options } = withReduction(recorder.capabilities, 64);
  const variant = kernel.variant({
    ...options,
    libs: { key: libs.key, texts: [...libs.texts, deltaGates] },
    constants: { ...constants, KEY_WIDTH: keyWidth },
  });
  recorder.dispatch(
    variant,
    { qkv, gates, rate, bias, state, y },
    {
      keyHeads,
      valueHeads,
      neighbours: neighboursOf(args),
      valueWidth,
      queryFactor: keyWidth ** -0.5,
      ...placeParams(places),
    },
    [ceilDiv(valueWidth, COLUMNS), valueHeads],
  );
}
