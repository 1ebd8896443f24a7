/** The gate of a Llama MLP (Shazeer 2020, SwiGLU) after one product has made gate and up side by side. */
import shader from "../../shaders/silu-gate.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { activationConstant, activationLib } from "./activation.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const WORKGROUP_SIZE = 256;

const kernel = new Kernel({
  name: "silu-gate",
  shader,
  bindings: { gate_up: "read", y: "write" },
  params: { rows: "u32", width: "u32" },
});

export interface SiluGateArgs {
  /** Each row holds all of gate, then all of up. */
  gateUp: Tensor; // [M, 2 F]
  y: Tensor; // [M, F]
}

/** y = silu(gate) * up, element by element. */
export function siluGate(recorder: Recorder, { gateUp, y }: SiluGateArgs): void {
  const [rows, width] = matrixShape("silu-gate y", y);
  checkShape("silu-gate gateUp", gateUp, [rows, 2 * width]);
  const variant = kernel.variant({
    libs: { key: "", texts: [activationLib] },
    constants: { ...activationConstant("silu"), WORKGROUP_SIZE },
  });
  recorder.dispatch(variant, { gate_up: gateUp, y }, { rows, width }, elementGrid(rows * width, WORKGROUP_SIZE));
}
