/** A of one row: the mean over the query heads of the attention weights that it pays, from its logits. Many rows: head-mean.ts. */
import pairStore from "../../shaders/lib/pair-store.wgsl?raw";
import splitSums from "../../shaders/lib/split-sums.wgsl?raw";
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
    starts: "read",
    neighbours: "write",
    imageAttention: "write",
  },
  params: { viewer: "u32", firstKey: "u32", keys: "u32", heads: "u32", splits: "u32", literal: "u32" },
});

export interface RowMeanArgs {
  logits: Tensor; // [H, S], of `attentionLogits`
  sums: Tensor; // [splits, H], of `attentionLogits`
  /** Column or viewer at each row of the cache; these two are of a `Sight` (model room). */
  slots: Tensor; // [S or more] u32
  starts: Tensor; // [viewer + 2 or more] u32
  /** Out: to the viewers before it; its last entry is left. */
  neighbours: Tensor; // [1, viewer + 1]
  /** Out, packed: what the viewer pays to the columns that it sees goes to `starts[viewer]` on. All else is left. */
  imageAttention: Tensor; // [starts[viewer + 1] or more]
  /** Number of the row's viewer among all. */
  viewer: number;
  /** Row of the first image token; all before it is left out. */
  firstKey: number;
  /** The mean of the scaled logits instead of the weights. */
  literal: boolean;
}

/** A[s] = mean over query heads of exp(logits - log-sum-exp), for the keys s that the viewer sees. */
export function rowMean(recorder: Recorder, args: RowMeanArgs): void {
  const { logits, sums, slots, starts, neighbours, imageAttention, viewer, firstKey, literal } = args;
  const [heads, keys] = matrixShape("row-mean logits", logits);
  const splits = ceilDiv(keys, LOGITS_SPLIT_KEYS);
  checkShape("row-mean sums", sums, [splits, heads]);
  checkShape("row-mean neighbours", neighbours, [1, viewer + 1]);
  const tables = elementCount(slots.shape) >= keys && elementCount(starts.shape) > viewer + 1;
  assert(tables && firstKey < keys, `row-mean: viewer ${viewer}, ${keys} keys from ${firstKey}`);

  // On a software adapter few workgroups with much to do; for a GPU to fill, many.
  const tile = recorder.capabilities.software ? { WORKGROUP_SIZE: 4, KEYS: 16 } : { WORKGROUP_SIZE: 64, KEYS: 1 };
  recorder.dispatch(
    kernel.variant({ libs: { key: "", texts: [pairStore, splitSums] }, constants: tile }),
    { logits, splitSums: sums, slots, starts, neighbours, imageAttention },
    { viewer, firstKey, keys, heads, splits, literal: Number(literal) },
    [ceilDiv(keys - firstKey, tile.WORKGROUP_SIZE * tile.KEYS)],
  );
}
