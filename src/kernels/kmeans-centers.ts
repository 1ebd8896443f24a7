/** First and later centres of spherical K-Means; kmeans.ts puts the kernels together. */
import shader from "../../shaders/kmeans-centers.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { batchShape, checkShape, withReduction } from "./common.ts";

const kernel = new Kernel({
  name: "kmeans-centers",
  shader,
  bindings: { x: "read", labels: "write", done: "write", centers: "write" },
  params: { rows: "u32", width: "u32", clusters: "u32", seedStride: "u32" },
});

export interface KMeansCentersArgs {
  x: Tensor; // [B, R, C], unit rows
  labels: Tensor; // [B, R] u32
  done: Tensor; // [B] u32
  centers: Tensor; // [B, c, C]
  /** The centres before the first round: rows 0, s, 2s, ... with s = floor(R / c). Resets labels and `done`. */
  seed: boolean;
}

/** centers of each view = the normalised sums of its clusters' rows, unless it is `done`. */
export function kmeansCenters(recorder: Recorder, { x, labels, done, centers, seed }: KMeansCentersArgs): void {
  const [views, rows, width] = batchShape("kmeans-centers x", x);
  const [, clusters] = batchShape("kmeans-centers centers", centers);
  checkShape("kmeans-centers centers", centers, [views, clusters, width]);
  checkShape("kmeans-centers labels", labels, [views, rows]);
  checkShape("kmeans-centers done", done, [views]);
  const params = { rows, width, clusters, seedStride: seed ? Math.floor(rows / clusters) : 0 };
  const variant = kernel.variant(withReduction(recorder.capabilities, 64));
  recorder.dispatch(variant, { x, labels, done, centers }, params, [clusters, views]);
}
