/** The product of one row with a linear layer's weights: decoding. Many rows: matmul.ts; which: linear.ts. */
import shader from "../../shaders/matvec.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import { scalesOffset, type Tensor } from "../gpu/tensor.ts";
import type { Activation } from "../shared/activation.ts";
import { activationConstant, activationLib } from "./activation.ts";
import { checkShape, matrixShape } from "./common.ts";
import type { MatmulArgs } from "./matmul.ts";
import { chooseRowProduct, type RowNorm } from "./row-product.ts";

const kernel = new Kernel({
  name: "matvec",
  shader,
  bindings: { x: "read", weight: "read", bias: "read", norm: "read", y: "write" },
  params: {
    cols: "u32",
    inner: "u32",
    scales: "u32",
    hasBias: "u32",
    accumulate: "u32",
    width: "u32",
    eps: "f32",
    factor: "f32",
  },
});

interface Product {
  x: Tensor; // [1, K]
  norm?: RowNorm | undefined;
  weight: Tensor; // [N, K], or [2 F, K] if gated
  bias?: Tensor | undefined; // [N]
  y: Tensor; // [1, N], or [1, F] if gated
  activation: Activation;
  accumulate: boolean;
  factor: number;
  gated: boolean;
}

function dispatch(recorder: Recorder, product: Product): void {
  const { x, norm, weight, bias, y, activation, accumulate, factor, gated } = product;
  const [rows, width] = matrixShape("matvec weight", weight);
  const cols = gated ? rows / 2 : rows;
  checkShape("matvec x", x, [1, width]);
  if (norm) checkShape("matvec norm", norm.weight, [width]);
  if (bias) checkShape("matvec bias", bias, [cols]);
  checkShape("matvec y", y, [1, cols]);

  const { options, grid, inner } = chooseRowProduct(recorder.capabilities, {
    weight,
    normed: !!norm,
    outputs: gated ? 2 : 4,
    cols,
    libs: [activationLib],
    constants: { GATED: Number(gated), ...activationConstant(activation) },
  });
  recorder.dispatch(
    kernel.variant(options),
    { x, weight, bias: bias ?? weight, norm: norm?.weight ?? x, y },
    {
      ...{ cols, inner, scales: scalesOffset(weight), hasBias: Number(!!bias), accumulate: Number(accumulate) },
      ...{ width, eps: norm?.eps ?? 0, factor },
    },
    grid,
  );
}

/** `matmul` of one row: x [1, K], y [1, N]; with `norm`, of the normed row. */
export function matvec(recorder: Recorder, args: MatmulArgs & { norm?: RowNorm | undefined }): void {
  const { activation = "none", accumulate = false, factor = 1 } = args;
  dispatch(recorder, { ...args, activation, accumulate, factor, gated: false });
}

export interface GatedMatvecArgs {
  x: Tensor; // [1, K]
  /** All rows of gate, then all rows of up. */
  weight: Tensor; // [2 F, K]
  /** x passes through this norm first. */
  norm?: RowNorm | undefined;
  activation: Activation;
  y: Tensor; // [1, F]
}

/** y = activation(W_gate x) * W_up x: `matvec` and `gate` in one dispatch, and `rmsNorm` where there is one. */
export function gatedMatvec(recorder: Recorder, args: GatedMatvecArgs): void {
  dispatch(recorder, { ...args, accumulate: false, factor: 1, gated: true });
}
