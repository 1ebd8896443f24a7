/** One round's labels of spherical K-Means; the whole of it is in kmeans.ts. */
import shader from "../../shaders/kmeans-assign.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, matrixShape, withReduction } from "./common.ts";

const kernel = new Kernel({
  name: "kmeans-assign",
  shader,
  bindings: { cosines: "read", labels: "write", own: "write", counts: "write", next: "write", done: "write" },
  params: { rows: "u32", clusters: "u32" },
});

export interface KMeansAssignArgs {
  cosines: Tensor; // [R, c], of every row to every centre
  labels: Tensor; // [R] u32, of the round before, or c in all before the first
  own: Tensor; // [R], scratch
  counts: Tensor; // [c] u32, scratch
  next: Tensor; // [R] u32, scratch
  done: Tensor; // [1] u32, 1 once nothing changes
}

/** labels = the cluster of each row in this round, every cluster with a row; nothing happens once `done`. */
export function kmeansAssign(recorder: Recorder, { cosines, labels, own, counts, next, done }: KMeansAssignArgs): void {
  const [rows, clusters] = matrixShape("kmeans-assign cosines", cosines);
  checkShape("kmeans-assign labels", labels, [rows]);
  checkShape("kmeans-assign own", own, [rows]);
  checkShape("kmeans-assign counts", counts, [clusters]);
  checkShape("kmeans-assign next", next, [rows]);
  const variant = kernel.variant(withReduction(recorder.capabilities, 256));
  recorder.dispatch(variant, { cosines, labels, own, counts, next, done }, { rows, clusters }, [1]);
}
