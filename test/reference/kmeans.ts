/** Spherical (cosine) K-Means without chance, in f64: the same rows give the same labels, whatever computes the cosines. */
import { clusterNumbers } from "./cluster-numbers.ts";
import { kmeansAssign } from "./kmeans-assign.ts";
import { kmeansCenters, seedCenters } from "./kmeans-centers.ts";
import { unitRows } from "./unit-rows.ts";

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}

/**
 * @param data [R, D], R at least 1; need not be normalised
 * @param width D
 * @param clusters c, clamped to R; every cluster ends with at least one row
 * @param iterations rounds at most
 * @param disturb of tests: cosines as another arithmetic has them
 * @returns labels [R], clusters numbered by their smallest member; rounds that ran, the one that changed nothing included
 */
export function kMeans(
  data: ArrayLike<number>,
  width: number,
  clusters: number,
  iterations = 10,
  disturb = (cosine: number) => cosine,
): { labels: Uint32Array; rounds: number } {
  const count = data.length / width;
  const c = Math.min(clusters, count);
  const all = unitRows(
    data,
    Array.from({ length: count }, (_, r) => r),
    width,
  );
  const rows = Array.from({ length: count }, (_, r) => all.subarray(r * width, (r + 1) * width));
  let centers = seedCenters(rows, c);
  let labels: Uint32Array = new Uint32Array(count).fill(c); // no cluster yet: the first round always changes
  let rounds = 0;
  while (rounds < iterations) {
    rounds++;
    const cosines = rows.map((row) => Float64Array.from(centers, (center) => disturb(dot(row, center))));
    const next = kmeansAssign(cosines, c);
    const changed = next.some((label, r) => label !== labels[r]);
    labels = next;
    if (!changed) break;
    centers = kmeansCenters(rows, labels, c);
  }
  return { labels: clusterNumbers(labels), rounds };
}
