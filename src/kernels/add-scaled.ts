/** LayerScale (Touvron et al. 2021): a residual whose channels have a learned factor each. */
import shader from "../../shaders/add-scaled.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "add-scaled",
  shader,
  bindings: { x: "read", scale: "read", y: "write" },
  params: { rows: "u32", width: "u32" },
});

export interface AddScaledArgs {
  x: Tensor; // [T, C]
  scale: Tensor; // [C]
  y: Tensor; // [T, C], another buffer than x's
}

/** y += scale * x, channel by channel. */
export function addScaled(recorder: Recorder, { x, scale, y }: AddScaledArgs): void {
  const [rows, width] = matrixShape("add-scaled x", x);
  checkShape("add-scaled scale", scale, [width]);
  checkShape("add-scaled y", y, [rows, width]);
  recorder.dispatch(kernel.variant(), { x, scale, y }, { rows, width }, elementGrid(rows * width, 64));
}
