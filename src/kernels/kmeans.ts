/** Spherical K-Means of each view, without a readback: records as many rounds as there may be. */
import type { Recorder } from "../gpu/pass.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { clusterNumbers } from "./cluster-numbers.ts";
import { batchShape } from "./common.ts";
import { kmeansAssign } from "./kmeans-assign.ts";
import { kmeansCenters } from "./kmeans-centers.ts";
import { kmeansNearest } from "./kmeans-nearest.ts";
import { matmul } from "./matmul.ts";

/** Rows of a single view of which cosines are kept at once: at most so many. Block begins must be bindable. */
const BLOCK_ROWS = 256;

/** Rows in a block of `cosines`. Views of a batch go through in one, as their begins may not be bindable. */
export function cosineRows(views: number, rows: number): number {
  return views > 1 ? rows : Math.min(rows, BLOCK_ROWS);
}

export interface KMeansArgs {
  x: Tensor; // [B, R, C], unit rows
  centers: Tensor; // [B, c, C], scratch
  /** Scratch. Rows go through it in blocks, so that it need not grow with both R and c. */
  cosines: Tensor; // [B, block, c]
  labels: Tensor; // [B, R] u32, scratch
  own: Tensor; // [B, R], scratch
  counts: Tensor; // [B, c] u32, scratch
  next: Tensor; // [B, R] u32, scratch
  done: Tensor; // [B] u32, scratch
  numbers: Tensor; // [B, R] u32, the result
  /** Rounds at most. */
  iterations: number;
}

/**
 * numbers = the cluster of each row, numbered by smallest member. After a round that changes nothing in a view, later
 * rounds leave that view alone and end at once: cheaper than asking the GPU whether to go on.
 *
 * Rejected: cosines of sums from the rows' Gram matrix, one dispatch for all rounds. A sum of nearly opposite rows
 * cancels there at the square of its length, so a short sum's direction is lost (cosines wrong by 1e-3 at length 0.01).
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
