/**
 * The interactions between the rows of each chunk of the gated delta rule (Yang et al. 2024), the input of
 * delta-chunks.
 */
import shader from "../../shaders/delta-pairs.wgsl?raw";
import deltaGates from "../../shaders/lib/delta-gates.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { checkShape, matrixShape } from "./common.ts";
import { DELTA_CHUNK, type DeltaHeads } from "./delta-rule.ts";
import { checkDelta, type DeltaGates, neighboursOf } from "./delta-step.ts";

/** Components of keys and queries that lie in workgroup memory at once. */
export const DELTA_TILE = 32;

const kernel = new Kernel({
  name: "delta-pairs",
  shader,
  bindings: { qkv: "read", gates: "read", rate: "read", bias: "read", pairs: "write", scales: "write" },
  params: { rows: "u32", keyHeads: "u32", valueHeads: "u32", neighbours: "u32", stride: "u32", queryFactor: "f32" },
});

export interface DeltaPairsArgs extends DeltaHeads, DeltaGates {
  qkv: Tensor; // [T, 2 Hk dk + Hv dv]: queries, keys, values
  /** A row of both matrices of the row's chunk: what the rows up to it write, and how it reads what they wrote. */
  pairs: Tensor; // [T, Hv * 2 * DELTA_CHUNK]
  /** Factors of k^T S, of q^T S, of what the row adds to S, and of S over the chunk. */
  scales: Tensor; // [T, Hv * 4]
}

/** Both matrices of all chunks of DELTA_CHUNK rows, the first of which begins with row 0. See the shader for the formulas. */
export function deltaPairs(recorder: Recorder, args: DeltaPairsArgs): void {
  const { qkv, gates, rate, bias, pairs, scales, keyHeads, valueHeads, keyWidth } = args;
  const [rows, stride] = matrixShape("delta-pairs qkv", qkv);
  checkDelta("delta-pairs", args, rows);
  checkShape("delta-pairs pairs", pairs, [rows, valueHeads * 2 * DELTA_CHUNK]);
  checkShape("delta-pairs scales", scales, [rows, valueHeads * 4]);
  const variant = kernel.variant({
    libs: { key: "", texts: [deltaGates] },
    constants: { KEY_WIDTH: keyWidth, CHUNK: DELTA_CHUNK, TILE: DELTA_TILE },
  });
  recorder.dispatch(
    variant,
    { qkv, gates, rate, bias, pairs, scales },
    { rows, keyHeads, valueHeads, neighbours: neighboursOf(args), stride, queryFactor: keyWidth ** -0.5 },
    [ceilDiv(rows, DELTA_CHUNK), valueHeads],
  );
}
