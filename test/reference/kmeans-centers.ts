/** The centres of spherical K-Means, in f64. */
import { unit } from "./unit-rows.ts";

/** A sum of unit rows shorter than this has no direction: its centre is zero. */
const SHORTEST_SUM = 1e-6;

/** The first centres: rows 0, s, 2s, ... with s = floor(R / c). */
export function seedCenters(rows: readonly Float64Array[], clusters: number): Float64Array[] {
  const stride = Math.floor(rows.length / clusters);
  return Array.from({ length: clusters }, (_, g) => rows[g * stride]!);
}

/** The sum of each cluster's rows, at length 1. */
export function kmeansCenters(
  rows: readonly Float64Array[],
  labels: ArrayLike<number>,
  clusters: number,
): Float64Array[] {
  return Array.from({ length: clusters }, (_, g) => {
    const sum = new Float64Array(rows[0]!.length);
    rows.forEach((row, r) => {
      if (labels[r] === g) for (let d = 0; d < sum.length; d++) sum[d]! += row[d]!;
    });
    return unit(sum, SHORTEST_SUM);
  });
}
