/** The short convolution before a gated delta rule (Yang et al. 2024), with its state of earlier rows. */
import shader from "../../shaders/causal-conv.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const WORKGROUP_SIZE = 64;
/** Rows that one invocation computes. */
const BLOCK = 16;

const kernel = new Kernel({
  name: "causal-conv",
  shader,
  bindings: { x: "read", weight: "read", state: "write", y: "write" },
  params: { rows: "u32", width: "u32", stride: "u32", hasState: "u32", stateFrom: "u32", stateTo: "u32" },
});

/** Where a recurrent layer's states lie in one tensor, in elements. */
export interface StatePlaces {
  /** First element of the state of the rows so far; undefined before the first row. */
  from: number | undefined;
  /** First element of the state after the chunk; may be `from`. */
  to: number;
}

export interface CausalConvArgs {
  x: Tensor; // [T, C or more], the first C channels of each row
  weight: Tensor; // [C, taps], the last one for the row itself
  /** The last taps - 1 rows of x, oldest first, [taps - 1, C] at `places`. */
  state: Tensor;
  places: StatePlaces;
  y: Tensor; // [T, C]
}

/** y = silu(conv(x)), over the row and the taps - 1 rows before it; rows before the first are zeros. */
export function causalConv(recorder: Recorder, { x, weight, state, places, y }: CausalConvArgs): void {
  const [rows, width] = matrixShape("causal-conv y", y);
  const [, taps] = matrixShape("causal-conv weight", weight);
  const [, stride] = matrixShape("causal-conv x", x);
  checkShape("causal-conv weight", weight, [width, taps]);
  checkShape("causal-conv x", x, [rows, stride]);
  assert(stride >= width, `causal-conv: ${width} channels of ${stride}`);
  checkPlaces("causal-conv", state, places, (taps - 1) * width);
  recorder.dispatch(
    kernel.variant({ constants: { TAPS: taps, BLOCK, WORKGROUP_SIZE } }),
    { x, weight, state, y },
    { rows, width, stride, ...placeParams(places) },
    elementGrid(ceilDiv(rows, BLOCK) * width, WORKGROUP_SIZE),
  );
}

/** Throws unless both states lie in the tensor: a bug in the model code. */
export function checkPlaces(name: string, state: Tensor, { from = 0, to }: StatePlaces, elements: number): void {
  const end = Math.max(from, to) + elements;
  assert(Math.min(from, to) >= 0 && end <= elementCount(state.shape), `${name}: a state to ${end} in [${state.shape}]`);
}

/** The members of a kernel's parameters for the offsets of its states. */
export function placeParams({ from, to }: StatePlaces): { hasState: number; stateFrom: number; stateTo: number } {
  return { hasState: Number(from !== undefined), stateFrom: from ?? 0, stateTo: to };
}
