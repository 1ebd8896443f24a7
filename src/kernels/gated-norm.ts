/** RMS norms of heads times a gate: the output of a gated delta rule (Yang et al. 2024). */
import shader from "../../shaders/gated-norm.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, foldGrid, matrixShape, withRowReduction } from "./common.ts";

const kernel = new Kernel({
  name: "gated-norm",
  shader,
  bindings: { gate: "read", weight: "read", x: "write" },
  params: { rows: "u32", heads: "u32", width: "u32", stride: "u32", offset: "u32", eps: "f32" },
});

export interface GatedNormArgs {
  x: Tensor; // [T, H D]
  weight: Tensor; // [D], of every head
  gate: Tensor; // [T, offset + H D or more]
  /** Column at which the gate begins in its rows. */
  offset: number;
  eps: number;
}

/** x = rms(x) * weight * silu(gate), head by head, in place. */
export function gatedNorm(recorder: Recorder, { x, weight, gate, offset, eps }: GatedNormArgs): void {
  const [rows, all] = matrixShape("gated-norm x", x);
  const [width = 1] = weight.shape;
  const [, stride] = matrixShape("gated-norm gate", gate);
  checkShape("gated-norm weight", weight, [width]);
  checkShape("gated-norm gate", gate, [rows, stride]);
  assert(
    all % width === 0 && offset + all <= stride,
    `gated-norm: ${all} channels by ${width}, ${offset} of ${stride}`,
  );
  const heads = all / width;
  recorder.dispatch(
    kernel.variant(withRowReduction(recorder.capabilities, 64)),
    { gate, weight, x },
    { rows, heads, width, stride, offset, eps },
    foldGrid(rows * heads),
  );
}
