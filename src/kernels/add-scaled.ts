/**
 * A residual whose channels have a learned factor each (LayerScale, Touvron et al. 2021), or which has a learned gate
 * (Flamingo, Alayrac et al. 2022).
 */

import shader from "../../shaders/add-scaled.wgsl?raw";
import softCap from "../../shaders/lib/soft-cap.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "add-scaled",
  shader,
  bindings: { x: "read", scale: "read", y: "write" },
  params: { rows: "u32", width: "u32", scaleWidth: "u32", cap: "f32" },
});

export interface AddScaledArgs {
  x: Tensor; // [T, C]
  scale: Tensor; // [C], or [1] for all channels
  y: Tensor; // [T, C], another buffer than x's
  /** The factors are the tanh of `scale`. */
  isGate?: boolean | undefined;
}

/** y += scale * x, channel by channel. */
export function addScaled(recorder: Recorder, { x, scale, y, isGate = false }: AddScaledArgs): void {
  const [rows, width] = matrixShape("add-scaled x", x);
  const scaleWidth = scale.shape[0] === 1 ? 1 : width;
  checkShape("add-scaled scale", scale, [scaleWidth]);
  checkShape("add-scaled y", y, [rows, width]);
  const params = { rows, width, scaleWidth, cap: Number(isGate) };
  const variant = kernel.variant({ libs: { key: "", texts: [softCap] } });
  recorder.dispatch(variant, { x, scale, y }, params, elementGrid(rows * width, 64));
}
