/** The gate on the output of attention: a sigmoid a channel, from the same product as the queries. */
import shader from "../../shaders/head-gate.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const WORKGROUP_SIZE = 64;

const kernel = new Kernel({
  name: "head-gate",
  shader,
  bindings: { gate: "read", x: "write" },
  params: { rows: "u32", heads: "u32", width: "u32", stride: "u32", offset: "u32", pitch: "u32" },
});

export interface HeadGateArgs {
  x: Tensor; // [T, H D]
  /** The gate of head h begins at `offset + h * pitch` of each row. */
  gate: Tensor; // [T, stride]
  offset: number;
  pitch: number;
  /** D */
  headWidth: number;
}

/** x *= sigmoid(gate), in place. */
export function headGate(recorder: Recorder, { x, gate, offset, pitch, headWidth: width }: HeadGateArgs): void {
  const [rows, all] = matrixShape("head-gate x", x);
  const [, stride] = matrixShape("head-gate gate", gate);
  checkShape("head-gate gate", gate, [rows, stride]);
  const heads = all / width;
  assert(
    Number.isInteger(heads) && offset + (heads - 1) * pitch + width <= stride,
    `head-gate: ${all} channels by ${width}, from ${offset} every ${pitch} of ${stride}`,
  );
  recorder.dispatch(
    kernel.variant({ constants: { WORKGROUP_SIZE } }),
    { gate, x },
    { rows, heads, width, stride, offset, pitch },
    elementGrid(rows * all, WORKGROUP_SIZE),
  );
}
