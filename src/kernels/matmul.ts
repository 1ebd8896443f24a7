/** The product of many rows with a linear layer's weights, with its epilogue. One row: matvec.ts; which: linear.ts. */
import shader from "../../shaders/matmul.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type Activation, activationConstant, activationLib } from "./activation.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "matmul",
  shader,
  bindings: { x: "read", weight: "read", bias: "read", y: "write" },
  params: { rows: "u32", cols: "u32", inner: "u32" },
});

export interface MatmulArgs {
  x: Tensor; // [M, K]
  /** The layout of a Hugging Face linear layer. */
  weight: Tensor; // [N, K]
  bias?: Tensor | undefined; // [N]
  y: Tensor; // [M, N]
  /** Applied after the bias; default "none". */
  activation?: Activation | undefined;
  /** Adds to what `y` holds instead of replacing it: the residual. */
  accumulate?: boolean | undefined;
}

/** y = act(x W^T + b); with `accumulate`, y += act(x W^T + b). */
export function matmul(
  recorder: Recorder,
  { x, weight, bias, y, activation = "none", accumulate = false }: MatmulArgs,
): void {
  const [rows, inner] = matrixShape("matmul x", x);
  const [cols] = matrixShape("matmul weight", weight);
  checkShape("matmul weight", weight, [cols, inner]);
  if (bias) checkShape("matmul bias", bias, [cols]);
  checkShape("matmul y", y, [rows, cols]);
  const variant = kernel.variant({
    libs: { key: "", texts: [activationLib] },
    constants: { ...activationConstant(activation), HAS_BIAS: Number(!!bias), ACCUMULATE: Number(accumulate) },
  });
  recorder.dispatch(
    variant,
    { x, weight, bias: bias ?? weight, y },
    { rows, cols, inner },
    elementGrid(rows * cols, 64),
  );
}
