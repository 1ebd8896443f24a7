/** Original positions of image tokens: the places of their owners in the patch grid. */
import shader from "../../shaders/anchor-positions.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { elementGrid } from "./common.ts";

const kernel = new Kernel({
  name: "anchor-positions",
  shader,
  bindings: { owners: "read", positions: "write" },
  params: { tokens: "u32", xRow: "u32", row: "u32", base: "u32" },
});

export interface AnchorPositionsArgs {
  owners: Tensor; // [n] u32; see kernels/owners.ts
  positions: Tensor; // [R] u32
  /** First token of `owners`, and how many. */
  xRow: number;
  tokens: number;
  /** First row of `positions`. */
  row: number;
  /** Position of patch 0. */
  base: number;
}

/** positions[row + i] = base + owner of token xRow + i. */
export function anchorPositions(recorder: Recorder, args: AnchorPositionsArgs): void {
  const { owners, positions, xRow, tokens, row, base } = args;
  const count = owners.shape[0]!;
  const rows = positions.shape[0]!;
  assert(xRow + tokens <= count && row + tokens <= rows, `owners ${xRow} + ${tokens} of ${count} to ${row} of ${rows}`);
  const params = { tokens, xRow, row, base };
  recorder.dispatch(kernel.variant(), { owners, positions }, params, elementGrid(tokens, 64));
}
