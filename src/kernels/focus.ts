/** Text-to-image focus scores of a chunk's text rows from the attention that head-mean.ts left (paper eqs. 9-11). */
import shader from "../../shaders/focus.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { checkShape, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "focus",
  shader,
  bindings: { weights: "read", imageAttention: "read", starts: "read", focus: "write" },
  params: { viewers: "u32", firstViewer: "u32", columns: "u32", discounted: "u32" },
});

export interface FocusArgs {
  /** The viewers' attention to those before them, of `headMean`. Not with `powers`. */
  neighbours?: Tensor; // [viewers, firstViewer + viewers]
  /** Discount to the power of 0, 1, ..: the weights by distance in text rows. Not with `neighbours`. */
  powers?: Tensor; // [firstViewer + viewers or more]
  /** Packed: `starts[h]` on holds what viewer h pays to the columns that it sees, `starts[h + 1] - starts[h]` of them. */
  imageAttention: Tensor; // [starts[firstViewer + viewers] or more]
  starts: Tensor; // [firstViewer + viewers + 1 or more] u32
  /** Out; 0 for columns that a viewer does not see. */
  focus: Tensor; // [viewers, n]
  /** Number of the chunk's first viewer among all. */
  firstViewer: number;
}

/** F[j, c] = A[j, c] + sum over viewers h < j of w A[h, c], with w = neighbours[j, h] or powers[j - h]. */
export function focusScores(recorder: Recorder, args: FocusArgs): void {
  const { neighbours, powers, imageAttention, starts, focus, firstViewer } = args;
  const [viewers, columns] = matrixShape("focus", focus);
  const weights = neighbours ?? powers;
  assert(weights && !(neighbours && powers), "focus: either neighbours or powers");
  if (neighbours) checkShape("focus neighbours", neighbours, [viewers, firstViewer + viewers]);
  else assert(elementCount(weights.shape) >= firstViewer + viewers, `focus: too few powers for ${viewers} viewers`);
  assert(elementCount(starts.shape) > firstViewer + viewers, `focus: too few starts for ${viewers} viewers`);

  // One subgroup on a software adapter, where barriers are dear and loads too.
  const lanes = recorder.capabilities.software
    ? { COLUMN_BLOCK: viewers === 1 ? 8 : 1, COLUMN_LANES: 4, NEIGHBOUR_LANES: 1 }
    : { COLUMN_BLOCK: 1, COLUMN_LANES: 32, NEIGHBOUR_LANES: 8 };
  const tile = { ROW_BLOCK: viewers === 1 ? 1 : 4, ...lanes };
  recorder.dispatch(
    kernel.variant({ constants: tile }),
    { weights, imageAttention, starts, focus },
    { viewers, firstViewer, columns, discounted: Number(!neighbours) },
    [ceilDiv(columns, tile.COLUMN_LANES * tile.COLUMN_BLOCK), ceilDiv(viewers, tile.ROW_BLOCK)],
  );
}
