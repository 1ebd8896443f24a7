/** The product of one row with a linear layer's weights: decoding. Many rows: matmul.ts; which: linear.ts. */
import shader from "../../shaders/matvec.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type Activation, activationConstant, activationLib } from "./activation.ts";
import { checkShape, foldGrid, matrixShape, withReduction } from "./common.ts";
import type { MatmulArgs } from "./matmul.ts";

const kernel = new Kernel({
  name: "matvec",
  shader,
  bindings: { x: "read", weight: "read", bias: "read", y: "write" },
  params: { cols: "u32", inner: "u32" },
});

function variantOf(
  recorder: Recorder,
  activation: Activation,
  flags: { GATED: number; HAS_BIAS: number; ACCUMULATE: number },
) {
  const reduction = withReduction(recorder.capabilities, 64);
  return kernel.variant({
    ...reduction,
    libs: { key: reduction.libs?.key ?? "", texts: [...(reduction.libs?.texts ?? []), activationLib] },
    constants: { ...reduction.constants, ...activationConstant(activation), ...flags },
  });
}

/** `matmul` of one row: x [1, K], y [1, N]. */
export function matvec(
  recorder: Recorder,
  { x, weight, bias, y, activation = "none", accumulate = false }: MatmulArgs,
): void {
  const [cols, inner] = matrixShape("matvec weight", weight);
  checkShape("matvec x", x, [1, inner]);
  if (bias) checkShape("matvec bias", bias, [cols]);
  checkShape("matvec y", y, [1, cols]);
  const flags = { GATED: 0, HAS_BIAS: Number(!!bias), ACCUMULATE: Number(accumulate) };
  const variant = variantOf(recorder, activation, flags);
  recorder.dispatch(variant, { x, weight, bias: bias ?? weight, y }, { cols, inner }, foldGrid(cols));
}

export interface GatedMatvecArgs {
  x: Tensor; // [1, K]
  /** All rows of gate, then all rows of up. */
  weight: Tensor; // [2 F, K]
  y: Tensor; // [1, F]
}

/** y = silu(W_gate x) * W_up x: `matvec` and `siluGate` in one dispatch. */
export function gatedMatvec(recorder: Recorder, { x, weight, y }: GatedMatvecArgs): void {
  const [doubled, inner] = matrixShape("matvec weight", weight);
  const cols = doubled / 2;
  checkShape("matvec x", x, [1, inner]);
  checkShape("matvec y", y, [1, cols]);
  const variant = variantOf(recorder, "none", { GATED: 1, HAS_BIAS: 0, ACCUMULATE: 0 });
  recorder.dispatch(variant, { x, weight, bias: weight, y }, { cols, inner }, foldGrid(cols));
}
