/** Text-to-image focus scores of a chunk's text rows, from the attention of head-mean.ts (paper eqs. 9-11). */
import shader from "../../shaders/focus.wgsl?raw";
import textRowLib from "../../shaders/lib/text-row.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { checkShape, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "focus",
  shader,
  bindings: { weights: "read", imageAttention: "read", textRows: "read", focus: "write" },
  params: { count: "u32", firstTextRow: "u32", columns: "u32", discounted: "u32" },
});

export interface FocusArgs {
  /** Attention of the chunk's text rows to all text rows so far, of `headMean`. Not with `powers`. */
  neighbours?: Tensor; // [count, firstTextRow + count]
  /** Discount to the power of 0, 1, ..: the weights by distance in text rows. Not with `neighbours`. */
  powers?: Tensor; // [firstTextRow + count or more]
  /** Attention of the text rows so far to the columns that they see, packed, of `headMean`. */
  imageAttention: Tensor;
  textRows: Tensor; // [firstTextRow + count or more, 8] u32, of `IndexTables` (model room)
  /** Out; 0 for columns that a text row does not see. */
  focus: Tensor; // [count, n]
  /** Number of the chunk's first text row. */
  firstTextRow: number;
}

/** F[j, c] = A[j, c] + sum over text rows h != j that j sees of w A[h, c], with w = neighbours[j, h] or powers[|j - h|]. */
export function focusScores(recorder: Recorder, args: FocusArgs): void {
  const { neighbours, powers, imageAttention, textRows, focus, firstTextRow } = args;
  const [count, columns] = matrixShape("focus", focus);
  const total = firstTextRow + count;
  const weights = neighbours ?? powers;
  assert(weights && !(neighbours && powers), "focus: either neighbours or powers");
  if (neighbours) checkShape("focus neighbours", neighbours, [count, total]);
  else assert(elementCount(weights.shape) >= total, `focus: ${elementCount(weights.shape)} powers, ${total} text rows`);
  assert(textRows.shape[0]! >= total, `focus: ${textRows.shape[0]} text rows in the table, ${total} so far`);

  // One subgroup on a software adapter, where barriers and loads are expensive.
  const lanes = recorder.capabilities.software
    ? { COLUMN_BLOCK: 8, COLUMN_LANES: 4, NEIGHBOUR_LANES: 1 }
    : { COLUMN_BLOCK: 1, COLUMN_LANES: 32, NEIGHBOUR_LANES: 8 };
  const tile = { ROW_BLOCK: count === 1 ? 1 : 4, ...lanes };
  recorder.dispatch(
    kernel.variant({ libs: { key: "", texts: [textRowLib] }, constants: tile }),
    { weights, imageAttention, textRows, focus },
    { count, firstTextRow, columns, discounted: Number(!neighbours) },
    [ceilDiv(columns, tile.COLUMN_LANES * tile.COLUMN_BLOCK), ceilDiv(count, tile.ROW_BLOCK)],
  );
}
