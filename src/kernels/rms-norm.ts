/** RMS normalisation of rows (Zhang & Sennrich 2019), as Llama and Qwen2 use it. */
import shader from "../../shaders/rms-norm.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, foldGrid, matrixShape, withRowReduction } from "./common.ts";

const kernel = new Kernel({
  name: "rms-norm",
  shader,
  bindings: { x: "read", weight: "read", y: "write" },
  params: { rows: "u32", width: "u32", eps: "f32", accumulate: "u32" },
});

export interface RmsNormArgs {
  x: Tensor; // [T, C]
  weight: Tensor; // [C]
  y: Tensor; // [T, C]
  eps: number;
  /** Adds to what `y` holds instead of replacing it. */
  accumulate?: boolean;
}

/** y = x / sqrt(mean(x^2) + eps) * weight, row by row; with `accumulate`, y += that. */
export function rmsNorm(recorder: Recorder, { x, weight, y, eps, accumulate = false }: RmsNormArgs): void {
  const [rows, width] = matrixShape("rms-norm x", x);
  checkShape("rms-norm weight", weight, [width]);
  checkShape("rms-norm y", y, [rows, width]);
  const variant = kernel.variant(withRowReduction(recorder.capabilities, 128));
  recorder.dispatch(variant, { x, weight, y }, { rows, width, eps, accumulate: Number(accumulate) }, foldGrid(rows));
}
