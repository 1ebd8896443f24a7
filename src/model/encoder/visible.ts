/** The rows that each row of a batch of views sees: all rows of its own view. Pure. */

/** Half-open ranges [B * T, 2] for B views of T rows each. */
export function viewVisible(views: number, rows: number): Uint32Array {
  const visible = new Uint32Array(views * rows * 2);
  for (let row = 0; row < views * rows; row++) {
    const first = Math.floor(row / rows) * rows;
    visible.set([first, first + rows], 2 * row);
  }
  return visible;
}
