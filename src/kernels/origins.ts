/** The original patches that tokens stand for, carried through a compression stage. */
import shader from "../../shaders/origins.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "origins",
  shader,
  bindings: { x: "read", order: "read", scores: "read", labels: "read", y: "write" },
  params: { words: "u32", primary: "u32", redundant: "u32", outputs: "u32" },
});

/** Words of one token's row: a bitmap over `patches`, then the anchor. */
export function originWords(patches: number): number {
  return ceilDiv(patches, 32) + 1;
}

/** Rows of tokens before the first stage, [N, W + 1]: each its own patch and anchor. */
export function initialOrigins(patches: number): Uint32Array {
  const stride = originWords(patches);
  const rows = new Uint32Array(patches * stride);
  for (let i = 0; i < patches; i++) {
    rows[i * stride + (i >>> 5)] = 1 << (i & 31);
    rows[i * stride + stride - 1] = i;
  }
  return rows;
}

/** The patches of each token, ascending, and its anchor, from rows that were read back. */
export function readOrigins(rows: Uint32Array, stride: number): { patches: Uint32Array[]; anchors: Uint32Array } {
  const count = rows.length / stride;
  const patches = Array.from({ length: count }, (_, token) => {
    const bits = rows.subarray(token * stride, (token + 1) * stride - 1);
    const found: number[] = [];
    for (let i = 0; i < bits.length * 32; i++) if ((bits[i >>> 5]! >>> (i & 31)) & 1) found.push(i);
    return Uint32Array.from(found);
  });
  const anchors = Uint32Array.from({ length: count }, (_, token) => rows[(token + 1) * stride - 1]!);
  return { patches, anchors };
}

export interface OriginsArgs {
  x: Tensor; // [N, W + 1] u32
  order: Tensor; // [N] u32: k primary indices, then R redundant ones
  scores: Tensor; // [N], importance
  labels: Tensor; // [R] u32
  y: Tensor; // [k + c, W + 1] u32
  /** k */
  primary: number;
}

/** y = the rows of the tokens that leave the stage: primary ones, then clusters. */
export function origins(recorder: Recorder, { x, order, scores, labels, y, primary }: OriginsArgs): void {
  const [tokens, stride] = matrixShape("origins x", x);
  const [outputs] = matrixShape("origins y", y);
  const redundant = tokens - primary;
  checkShape("origins order", order, [tokens]);
  checkShape("origins scores", scores, [tokens]);
  checkShape("origins labels", labels, [redundant]);
  checkShape("origins y", y, [outputs, stride]);
  const params = { words: stride - 1, primary, redundant, outputs };
  recorder.dispatch(kernel.variant(), { x, order, scores, labels, y }, params, elementGrid(outputs * stride, 64));
}
