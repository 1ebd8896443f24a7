/** Spherical K-Means of each view, without a readback: records the largest number of rounds. */
import type { Recorder } from "../gpu/pass.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { clusterNumbers } from "./cluster-numbers.ts";
import { batchShape } from "./common.ts";
import { kmeansAssign } from "./kmeans-assign.ts";
import { kmeansCenters } from "./kmeans-centers.ts";
import { kmeansNearest } from "./kmeans-nearest.ts";
import { matmul } from "./matmul.ts";

/** The most rows of a single view with cosines in memory at once. Each block must begin at a bindable offset. */
const BLOCK_ROWS = 256;

/**
 * Rows in a block of `cosines`. A batch of views is one block, because views may begin at offsets that cannot be bound.
 */
export function cosineRows(views: number, rows: number): number {
  return views > 1 ? rows : Math.min(rows, BLOCK_ROWS);
}

export interface KMeansArgs {
  x: Tensor; // [B, R, C], unit rows
  centers: Tensor; // [B, c, C], scratch
  /** Scratch. Rows pass through it in blocks, so that it does not grow with both R and c. */
  cosines: Tensor; // [B, block, c]
  labels: Tensor; // [B, R] u32, scratch
  own: Tensor; // [B, R], scratch
  counts: Tensor; // [B, c] u32, scratch
  next: Tensor; // [B, R] u32, scratch
  done: Tensor; // [B] u32, scratch
  numbers: Tensor; // [B, R] u32, the result
  /** The most rounds. */
  iterations: number;
}

/**
 * numbers = the cluster of each row, numbered by smallest member. After a round without changes in a view, later rounds
 * skip that view: a dispatch that ends at once is cheaper than a readback.
 *
 * Rejected: cosines of sums from the rows' Gram matrix, one dispatch for all rounds. A sum of nearly opposite rows
 * cancels there at the square of its length. So a short sum loses its direction: cosines wrong by 1e-3 at length 0.01.
 */
export function kmeans(recorder: Recorder, args: KMeansArgs): void {
  const { x, centers, cosines, labels, own, counts, next, done, numbers, iterations } = args;
  const [views, rows, width] = batchShape("kmeans x", x);
  const [, clusters] = batchShape("kmeans centers", centers);
  const [, block] = batchShape("kmeans cosines", cosines);
  assert(clusters >= 1 && clusters <= rows, `kmeans: ${clusters} clusters of ${rows} rows`);
  assert(views === 1 || block >= rows, `kmeans: blocks of ${block} of ${rows} rows, ${views} views`);
  kmeansCenters(recorder, { x, labels, done, centers, seed: true });
  for (let round = 0; round < iterations; round++) {
    if (round > 0) kmeansCenters(recorder, { x, labels, done, centers, seed: false });
    for (let first = 0; first < rows; first += block) {
      const count = Math.min(block, rows - first);
      const part = view(cosines, [views, count, clusters]);
      matmul(recorder, { x: view(x, [views, count, width], first * width), weight: centers, y: part });
      kmeansNearest(recorder, { cosines: part, done, nearest: next, own, first });
    }
    kmeansAssign(recorder, { own, labels, counts, next, done });
  }
  clusterNumbers(recorder, { labels, numbers });
}
