/** The labels of one round of spherical K-Means, in f64. */
import { COSINE_TIE, kmeansNearest } from "./kmeans-nearest.ts";

/** Every row to the cluster of its largest cosine (ties: lowest cluster), then the empty clusters filled. */
export function kmeansAssign(cosines: readonly Float64Array[], clusters: number): Uint32Array {
  const labels = kmeansNearest(cosines);
  fillEmptyClusters(labels, cosines, clusters);
  return labels;
}

/** Gives each empty cluster, in ascending order, the row farthest from its centre among clusters of two or more. */
function fillEmptyClusters(labels: Uint32Array, cosines: readonly Float64Array[], clusters: number): void {
  for (let c = 0; c < clusters; c++) {
    const counts = new Uint32Array(clusters);
    for (const label of labels) counts[label]!++;
    if (counts[c]! > 0) continue;
    const canGive = (r: number) => counts[labels[r]!]! >= 2;
    let lowest = Number.POSITIVE_INFINITY;
    for (let r = 0; r < labels.length; r++) {
      if (canGive(r)) lowest = Math.min(lowest, cosines[r]![labels[r]!]!);
    }
    const giver = labels.findIndex((label, r) => canGive(r) && cosines[r]![label]! <= lowest + COSINE_TIE);
    labels[giver] = c;
  }
}
