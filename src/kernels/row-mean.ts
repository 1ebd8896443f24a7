/** A of one text row: the mean over the query heads of its attention weights, from its logits. Many rows: head-mean.ts. */
import pairStore from "../../shaders/lib/pair-store.wgsl?raw";
import splitSums from "../../shaders/lib/split-sums.wgsl?raw";
import textRowLib from "../../shaders/lib/text-row.wgsl?raw";
import shader from "../../shaders/row-mean.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { LOGITS_SPLIT_KEYS } from "./attention-logits.ts";
import { checkShape, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "row-mean",
  shader,
  bindings: {
    logits: "read",
    splitSums: "read",
    slots: "read",
    textRows: "read",
    neighbours: "write",
    imageAttention: "write",
  },
  params: { textRow: "u32", firstKey: "u32", keys: "u32", heads: "u32", splits: "u32", literal: "u32" },
});

export interface RowMeanArgs {
  logits: Tensor; // [H, S], of `attentionLogits`
  sums: Tensor; // [splits, H], of `attentionLogits`
  /** Column or text row at each row of the cache; these two are of `IndexTables` (model room). */
  slots: Tensor; // [S or more] u32
  textRows: Tensor; // [textRow + 1 or more, 8] u32
  /** Out: attention to the other text rows that it sees. Other entries stay as they are. */
  neighbours: Tensor; // [1, textRow + 1]
  /** Out: attention to the columns that it sees, packed as `textRows` says. Other entries stay as they are. */
  imageAttention: Tensor;
  /** The row's number among the text rows. */
  textRow: number;
  /** Keys before this row are left out: none of them is an image token or a text row that the row sees. */
  firstKey: number;
  /** The mean of the scaled logits instead of the weights. */
  literal: boolean;
}

/** A[s] = mean over query heads of exp(logits - log-sum-exp), for the keys s that the row sees. */
export function rowMean(recorder: Recorder, args: RowMeanArgs): void {
  const { logits, sums, slots, textRows, neighbours, imageAttention, textRow, firstKey, literal } = args;
  const [heads, keys] = matrixShape("row-mean logits", logits);
  const splits = ceilDiv(keys, LOGITS_SPLIT_KEYS);
  checkShape("row-mean sums", sums, [splits, heads]);
  checkShape("row-mean neighbours", neighbours, [1, textRow + 1]);
  const tables = elementCount(slots.shape) >= keys && textRows.shape[0]! > textRow;
  assert(tables && firstKey < keys, `row-mean: text row ${textRow}, ${keys} keys from ${firstKey} on`);

  // Few workgroups with much work on a software adapter; many for a GPU.
  const tile = recorder.capabilities.software ? { WORKGROUP_SIZE: 4, KEYS: 16 } : { WORKGROUP_SIZE: 64, KEYS: 1 };
  recorder.dispatch(
    kernel.variant({ libs: { key: "", texts: [textRowLib, pairStore, splitSums] }, constants: tile }),
    { logits, splitSums: sums, slots, textRows, neighbours, imageAttention },
    { textRow, firstKey, keys, heads, splits, literal: Number(literal) },
    [ceilDiv(keys - firstKey, tile.WORKGROUP_SIZE * tile.KEYS)],
  );
}
