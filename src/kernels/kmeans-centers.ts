/** First and later centres of spherical K-Means; the whole of it is in kmeans.ts. */
import shader from "../../shaders/kmeans-centers.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, matrixShape, withReduction } from "./common.ts";

const kernel = new Kernel({
  name: "kmeans-centers",
  shader,
  bindings: { x: "read", labels: "write", done: "write", centers: "write" },
  params: { rows: "u32", width: "u32", clusters: "u32", seedStride: "u32" },
});

export interface KMeansCentersArgs {
  x: Tensor; // [R, C], unit rows
  labels: Tensor; // [R] u32
  done: Tensor; // [1] u32
  centers: Tensor; // [c, C]
  /** The centres before the first round: rows 0, s, 2s, ... with s = floor(R / c). Resets labels and `done`. */
  seed: boolean;
}

/** centers = the normalised sums of the clusters' rows, unless `done`. */
export function kmeansCenters(recorder: Recorder, { x, labels, done, centers, seed }: KMeansCentersArgs): void {
  const [rows, width] = matrixShape("kmeans-centers x", x);
  const [clusters] = matrixShape("kmeans-centers centers", centers);
  checkShape("kmeans-centers centers", centers, [clusters, width]);
  checkShape("kmeans-centers labels", labels, [rows]);
  const params = { rows, width, clusters, seedStride: seed ? Math.floor(rows / clusters) : 0 };
  const variant = kernel.variant(withReduction(recorder.capabilities, 64));
  recorder.dispatch(variant, { x, labels, done, centers }, params, [clusters]);
}
