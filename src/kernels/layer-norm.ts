/** Layer normalisation of rows (Ba, Kiros & Hinton 2016), as the vision encoders use it. */
import shader from "../../shaders/layer-norm.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, foldGrid, matrixShape, withRowReduction } from "./common.ts";

const kernel = new Kernel({
  name: "layer-norm",
  shader,
  bindings: { x: "read", weight: "read", bias: "read", y: "write" },
  params: { rows: "u32", width: "u32", eps: "f32" },
});

export interface LayerNormArgs {
  x: Tensor; // [T, C]
  weight: Tensor; // [C]
  bias: Tensor; // [C]
  y: Tensor; // [T, C]
  eps: number;
}

/** y = (x - mean) / sqrt(variance + eps) * weight + bias, row by row, with the biased variance. */
export function layerNorm(recorder: Recorder, { x, weight, bias, y, eps }: LayerNormArgs): void {
  const [rows, width] = matrixShape("layer-norm x", x);
  checkShape("layer-norm weight", weight, [width]);
  checkShape("layer-norm bias", bias, [width]);
  checkShape("layer-norm y", y, [rows, width]);
  const variant = kernel.variant(withRowReduction(recorder.capabilities, 128));
  recorder.dispatch(variant, { x, weight, bias, y }, { rows, width, eps }, foldGrid(rows));
}
