/** Key ranges of common masks, [T, 2]: row t sees the keys of the half-open range [visible[2 t], visible[2 t + 1]). */

/** [T, 2] of one range for each row. */
export function rangesOf(rows: number, range: (t: number) => readonly [start: number, end: number]): number[] {
  return Array.from({ length: rows }, (_, t) => [...range(t)]).flat();
}

/** Row t is key `offset + t` and sees all keys up to itself. */
export function causal(rows: number, offset = 0): number[] {
  return rangesOf(rows, (t) => [0, offset + t + 1]);
}

/** Causal, and of the keys up to itself only the last `width`. */
export function slidingWindow(rows: number, width: number, offset = 0): number[] {
  return rangesOf(rows, (t) => [Math.max(0, offset + t + 1 - width), offset + t + 1]);
}

/** A batch of `count` views of `rowsOfView` rows: a row sees its own view. */
export function batchOfViews(count: number, rowsOfView: number): number[] {
  return rangesOf(count * rowsOfView, (t) => {
    const start = t - (t % rowsOfView);
    return [start, start + rowsOfView];
  });
}

/** Causal, but the first `prefix` rows see each other in both directions. */
export function prefixLm(rows: number, prefix: number): number[] {
  return rangesOf(rows, (t) => [0, Math.max(prefix, t + 1)]);
}

/** Causal, but the rows of each picture, a half-open run of rows, see their whole picture. */
export function pictureRuns(rows: number, runs: readonly (readonly [start: number, end: number])[]): number[] {
  return rangesOf(rows, (t) => [0, runs.find(([start, end]) => t >= start && t < end)?.[1] ?? t + 1]);
}
