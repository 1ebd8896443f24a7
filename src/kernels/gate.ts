/**
 * The gate of a decoder's MLP (Shazeer 2020, SwiGLU and GeGLU), after one product has computed gate and up side by
 * side.
 */
import shader from "../../shaders/gate.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Activation } from "../shared/activation.ts";
import { activationConstant, activationLib } from "./activation.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const WORKGROUP_SIZE = 256;

const kernel = new Kernel({
  name: "gate",
  shader,
  bindings: { gateUp: "read", y: "write" },
  params: { rows: "u32", width: "u32" },
});

export interface GateArgs {
  /** Each row holds all of gate, then all of up. */
  gateUp: Tensor; // [M, 2 F]
  y: Tensor; // [M, F]
  activation: Activation;
}

/** y = activation(gate) * up, element by element. */
export function gate(recorder: Recorder, { gateUp, y, activation }: GateArgs): void {
  const [rows, width] = matrixShape("gate y", y);
  checkShape("gate gateUp", gateUp, [rows, 2 * width]);
  const variant = kernel.variant({
    libs: { key: "", texts: [activationLib] },
    constants: { ...activationConstant(activation), WORKGROUP_SIZE },
  });
  recorder.dispatch(variant, { gateUp, y }, { rows, width }, elementGrid(rows * width, WORKGROUP_SIZE));
}
