/** Original positions of image tokens: where their anchors lie in the patch grid. */
import shader from "../../shaders/anchor-positions.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "anchor-positions",
  shader,
  bindings: { origins: "read", positions: "write" },
  params: { tokens: "u32", words: "u32", xRow: "u32", row: "u32", base: "u32" },
});

export interface AnchorPositionsArgs {
  origins: Tensor; // [n, W + 1] u32; see origins.ts
  positions: Tensor; // [R] u32
  /** First token of `origins`, and how many. */
  xRow: number;
  tokens: number;
  /** First row of `positions`. */
  row: number;
  /** Position of patch 0. */
  base: number;
}

/** positions[row + i] = base + anchor of token xRow + i. */
export function anchorPositions(recorder: Recorder, args: AnchorPositionsArgs): void {
  const { origins, positions, xRow, tokens, row, base } = args;
  const [count, stride] = matrixShape("anchor-positions origins", origins);
  const rows = positions.shape[0]!;
  assert(
    xRow + tokens <= count && row + tokens <= rows,
    `anchors ${xRow} + ${tokens} of ${count} to ${row} of ${rows}`,
  );
  const params = { tokens, words: stride - 1, xRow, row, base };
  recorder.dispatch(kernel.variant(), { origins, positions }, params, elementGrid(tokens, 64));
}
