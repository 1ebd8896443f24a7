/** The nearest centre of each row in a round of spherical K-Means; kmeans.ts puts the kernels together. */
import shader from "../../shaders/kmeans-nearest.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { batchShape, checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "kmeans-nearest",
  shader,
  bindings: { cosines: "read", done: "read", nearest: "write", own: "write" },
  params: { views: "u32", rows: "u32", clusters: "u32", first: "u32", count: "u32" },
});

export interface KMeansNearestArgs {
  cosines: Tensor; // [B, n, c], of n rows of each view to every centre of it
  done: Tensor; // [B] u32
  nearest: Tensor; // [B, R] u32
  own: Tensor; // [B, R], cosine to the nearest centre
  /** Row of each view whose cosines come first. */
  first: number;
}

/** nearest and own of the rows [first, first + n) of each view. Skips views that are `done`. */
export function kmeansNearest(recorder: Recorder, { cosines, done, nearest, own, first }: KMeansNearestArgs): void {
  const [views, count, clusters] = batchShape("kmeans-nearest cosines", cosines);
  const [, rows] = matrixShape("kmeans-nearest nearest", nearest);
  checkShape("kmeans-nearest nearest", nearest, [views, rows]);
  checkShape("kmeans-nearest own", own, [views, rows]);
  checkShape("kmeans-nearest done", done, [views]);
  assert(first + count <= rows, `kmeans-nearest: ${count} rows from ${first} on, of ${rows}`);
  const params = { views, rows, clusters, first, count };
  recorder.dispatch(kernel.variant(), { cosines, done, nearest, own }, params, elementGrid(views * count, 64));
}
