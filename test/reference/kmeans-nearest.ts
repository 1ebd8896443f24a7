/** The nearest centre of each row in a round of spherical K-Means, in f64. */

/** Cosines this close count as equal, so that labels do not depend on rounding. */
export const COSINE_TIE = 1e-6;

/** The cluster of each row's largest cosine; ties: lowest cluster. */
export function kmeansNearest(cosines: readonly Float64Array[]): Uint32Array {
  return Uint32Array.from(cosines, (row) => {
    const best = Math.max(...row);
    return row.findIndex((cosine) => cosine >= best - COSINE_TIE);
  });
}
