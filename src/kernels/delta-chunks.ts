/** The gated delta rule over many rows in chunks (Yang et al. 2024, Gated DeltaNet). For one row: delta-step. */
import shader from "../../shaders/delta-chunks.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { checkPlaces, placeParams, type StatePlaces } from "./causal-conv.ts";
import { checkShape, matrixShape } from "./common.ts";
import { DELTA_TILE, type DeltaPairsArgs } from "./delta-pairs.ts";
import { DELTA_CHUNK, deltaWidth } from "./delta-rule.ts";
import { MAX_KEY_WIDTH, neighboursOf } from "./delta-step.ts";

const kernel = new Kernel({
  name: "delta-chunks",
  shader,
  bindings: { qkv: "read", pairs: "read", scales: "read", state: "write", y: "write" },
  params: {
    rows: "u32",
    keyHeads: "u32",
    valueHeads: "u32",
    neighbours: "u32",
    valueWidth: "u32",
    stride: "u32",
    hasState: "u32",
    stateFrom: "u32",
    stateTo: "u32",
  },
});

/** `pairs` and `scales` of delta-pairs, for the same rows. */
export interface DeltaChunksArgs extends Omit<DeltaPairsArgs, "gates" | "rate" | "bias"> {
  /** S of each value head, [Hv, dk, dv] at `places`. */
  state: Tensor;
  places: StatePlaces;
  y: Tensor; // [T, Hv dv]
}

/** For each row `S *= exp(g); d = beta (v - S^T k); S += k d^T; y = S^T q`. */
export function deltaChunks(recorder: Recorder, args: DeltaChunksArgs): void {
  const { qkv, pairs, scales, state, places, y, keyHeads, valueHeads, keyWidth, valueWidth } = args;
  const [rows] = matrixShape("delta-chunks y", y);
  const stride = deltaWidth(args);
  checkShape("delta-chunks qkv", qkv, [rows, stride]);
  checkShape("delta-chunks pairs", pairs, [rows, valueHeads * 2 * DELTA_CHUNK]);
  checkShape("delta-chunks scales", scales, [rows, valueHeads * 4]);
  checkShape("delta-chunks y", y, [rows, valueHeads * valueWidth]);
  checkPlaces("delta-chunks", state, places, valueHeads * keyWidth * valueWidth);
  // 8 KiB of workgroup memory for S, of the 16 that every device has.
  const quads = 2 * keyWidth > MAX_KEY_WIDTH ? 2 : 4;
  recorder.dispatch(
    kernel.variant({ constants: { KEY_WIDTH: keyWidth, CHUNK: DELTA_CHUNK, TILE: DELTA_TILE, QUADS: quads } }),
    { qkv, pairs, scales, state, y },
    { rows, keyHeads, valueHeads, neighbours: neighboursOf(args), valueWidth, stride, ...placeParams(places) },
    [ceilDiv(valueWidth, 4 * quads), valueHeads],
  );
}
