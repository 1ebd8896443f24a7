/** One round's labels of spherical K-Means; kmeans.ts puts the kernels together. */
import shader from "../../shaders/kmeans-assign.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, matrixShape, withReduction } from "./common.ts";

const kernel = new Kernel({
  name: "kmeans-assign",
  shader,
  bindings: { own: "read", labels: "write", counts: "write", next: "write", done: "write" },
  params: { rows: "u32", clusters: "u32" },
});

export interface KMeansAssignArgs {
  own: Tensor; // [B, R], cosine of each row to its nearest centre
  labels: Tensor; // [B, R] u32, of the round before, or c in all before the first
  counts: Tensor; // [B, c] u32, scratch
  next: Tensor; // [B, R] u32, of `kmeansNearest`; scratch afterwards
  done: Tensor; // [B] u32, 1 once nothing changes
}

/** labels = the cluster of each row in this round, every cluster with a row. Skips views that are `done`. */
export function kmeansAssign(recorder: Recorder, { own, labels, counts, next, done }: KMeansAssignArgs): void {
  const [views, rows] = matrixShape("kmeans-assign own", own);
  const [, clusters] = matrixShape("kmeans-assign counts", counts);
  checkShape("kmeans-assign labels", labels, [views, rows]);
  checkShape("kmeans-assign counts", counts, [views, clusters]);
  checkShape("kmeans-assign next", next, [views, rows]);
  checkShape("kmeans-assign done", done, [views]);
  const variant = kernel.variant(withReduction(recorder.capabilities, 256));
  recorder.dispatch(variant, { own, labels, counts, next, done }, { rows, clusters }, [views]);
}
