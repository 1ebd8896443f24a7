/** Spherical (cosine) K-Means without chance, in f64: same rows, same labels, whatever computes the cosines. */

/** Cosines this close count as equal, so that labels do not depend on rounding. */
const COSINE_TIE = 1e-6;
/** A sum of unit rows shorter than this has no direction: its centre is zero. */
const SHORTEST_SUM = 1e-6;

function normalized(vector: Float64Array, shortest: number): Float64Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  return length > shortest ? vector.map((value) => value / length) : new Float64Array(vector.length);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}

/** Gives each empty cluster, in ascending order, the row farthest from its centre among clusters of two or more. */
function fillEmptyClusters(labels: Uint32Array, cosines: Float64Array[], clusters: number): void {
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

/** Renumbers clusters by their smallest member: row 0 is in cluster 0, the first row outside it in cluster 1, ... */
function numberedBySmallestMember(labels: Uint32Array): Uint32Array {
  const numbers = new Map<number, number>();
  return labels.map((label) => {
    if (!numbers.has(label)) numbers.set(label, numbers.size);
    return numbers.get(label)!;
  });
}

/**
 * @param data [R, D], R at least 1; need not be normalised
 * @param width D
 * @param clusters c, clamped to R; every cluster ends with at least one row
 * @param iterations rounds at most
 * @returns labels [R], clusters numbered by their smallest member; rounds that ran, the one that changed nothing included
 */
export function kMeans(
  data: ArrayLike<number>,
  width: number,
  clusters: number,
  iterations = 10,
): { labels: Uint32Array; rounds: number } {
  const count = data.length / width;
  const c = Math.min(clusters, count);
  const rows = Array.from({ length: count }, (_, r) =>
    normalized(
      Float64Array.from({ length: width }, (_, d) => data[r * width + d]!),
      0,
    ),
  );
  const stride = Math.floor(count / c);
  let centres = Array.from({ length: c }, (_, g) => rows[g * stride]!);
  let labels = new Uint32Array(count).fill(c); // no cluster yet: the first round always changes
  let rounds = 0;

  while (rounds < iterations) {
    rounds++;
    const cosines = rows.map((row) => Float64Array.from(centres, (centre) => dot(row, centre)));
    const next = Uint32Array.from(cosines, (row) => {
      const best = Math.max(...row);
      return row.findIndex((cosine) => cosine >= best - COSINE_TIE);
    });
    fillEmptyClusters(next, cosines, c);
    const changed = next.some((label, r) => label !== labels[r]);
    labels = next;
    if (!changed) break;
    centres = centres.map((_, g) => {
      const sum = new Float64Array(width);
      rows.forEach((row, r) => {
        if (labels[r] === g) for (let d = 0; d < width; d++) sum[d]! += row[d]!;
      });
      return normalized(sum, SHORTEST_SUM);
    });
  }
  return { labels: numberedBySmallestMember(labels), rounds };
}
