/** Key ranges of the rows of a batch of views. Pure. */

/** Ranges of a batch of `views` views of `rows` rows: each row sees the rows of its own view. [views * rows, 2] */
export function viewRanges(views: number, rows: number): Uint32Array {
  const visible = new Uint32Array(2 * views * rows);
  for (let t = 0; t < views * rows; t++) {
    const start = t - (t % rows);
    visible.set([start, start + rows], 2 * t);
  }
  return visible;
}
