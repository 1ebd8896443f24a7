/** DivPrune (arXiv 2503.02175) with the ties of the specification, in f64: rows that lie far from each other. */

/** Distances this close count as equal, so that choices do not depend on rounding. */
const DISTANCE_TIE = 1e-6;

function distance(x: ArrayLike<number>, width: number, a: number, b: number): number {
  let [dot, squaresA, squaresB] = [0, 0, 0];
  for (let c = 0; c < width; c++) {
    dot += x[a * width + c]! * x[b * width + c]!;
    squaresA += x[a * width + c]! ** 2;
    squaresB += x[b * width + c]! ** 2;
  }
  // A row of zeros has cosine 0 with every row.
  return 1 - (squaresA > 0 && squaresB > 0 ? dot / Math.sqrt(squaresA * squaresB) : 0);
}

/** The candidate of the largest value; ties: lowest index. */
function farthest(candidates: readonly number[], value: (row: number) => number): number {
  const values = candidates.map(value);
  const best = Math.max(...values);
  return candidates[values.findIndex((each) => each >= best - DISTANCE_TIE)]!;
}

/**
 * Keeps `kept` of the rows of one view. The first is the row whose nearest other row is farthest, then always the row whose
 * nearest kept row is farthest; distance = 1 - cosine.
 *
 * @param x [n, C]
 * @param disturb of tests: distances as another arithmetic has them
 * @returns order of choice [kept]; `kept` the same, ascending
 */
export function diverse(
  x: ArrayLike<number>,
  width: number,
  kept: number,
  disturb = (distance: number) => distance,
): { chosen: number[]; kept: number[] } {
  const rows = Array.from({ length: x.length / width }, (_, i) => i);
  const nearest = (row: number, others: readonly number[]) =>
    Math.min(...others.filter((other) => other !== row).map((other) => disturb(distance(x, width, row, other))));
  const chosen = [rows.length === 1 ? 0 : farthest(rows, (row) => nearest(row, rows))];
  while (chosen.length < kept) {
    const candidates = rows.filter((row) => !chosen.includes(row));
    chosen.push(farthest(candidates, (row) => nearest(row, chosen)));
  }
  return { chosen, kept: [...chosen].sort((a, b) => a - b) };
}
