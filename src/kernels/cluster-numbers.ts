/** Canonical numbers of clusters, so that labels can be compared and merged cells have an order. */
import shader from "../../shaders/cluster-numbers.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "cluster-numbers",
  shader,
  bindings: { labels: "read", numbers: "write" },
  params: { rows: "u32" },
});

/** Bits of the shader's bitmap. */
const MAX_ROWS = 16384;

export interface ClusterNumbersArgs {
  labels: Tensor; // [B, R] u32, of any numbering
  numbers: Tensor; // [B, R] u32
}

/** numbers = the clusters of each view in `labels`, numbered by their smallest member. */
export function clusterNumbers(recorder: Recorder, { labels, numbers }: ClusterNumbersArgs): void {
  const [views, rows] = matrixShape("cluster-numbers labels", labels);
  checkShape("cluster-numbers numbers", numbers, [views, rows]);
  assert(rows <= MAX_ROWS, `cluster-numbers: ${rows} rows, at most ${MAX_ROWS}`);
  recorder.dispatch(kernel.variant(), { labels, numbers }, { rows }, [views]);
}
