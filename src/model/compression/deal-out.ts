/** Distributes a number of tokens over the views of a picture. Pure. */

/**
 * Distributes in proportion to the views' cells, by largest remainder (ties: the lower view). Each view gets at least
 * `least`, taken from the largest shares.
 *
 * @param tokens for the picture
 * @param cells of each view
 * @returns tokens of each view; never more than its cells
 * @throws RangeError for fewer tokens than the views need
 */
export function dealOut(tokens: number, cells: readonly number[], least = 1): number[] {
  const total = cells.reduce((sum, count) => sum + count, 0);
  if (tokens >= total) return [...cells];
  if (tokens < least * cells.length)
    throw new RangeError(
      `compression.tokens is ${tokens}, but the picture has ${cells.length} views and each keeps at least ${least}; give at least ${least * cells.length}`,
    );
  const shares = cells.map((count) => Math.floor((tokens * count) / total));
  const remainders = cells.map((count) => (tokens * count) % total);
  const byRemainder = [...cells.keys()].sort((a, b) => remainders[b]! - remainders[a]! || a - b);
  const left = tokens - shares.reduce((sum, share) => sum + share, 0);
  for (const view of byRemainder.slice(0, left)) shares[view]!++;
  for (const [view, count] of cells.entries()) {
    const floor = Math.min(least, count);
    while (shares[view]! < floor) {
      shares[indexOfLargest(shares)]!--;
      shares[view]!++;
    }
  }
  return shares;
}

function indexOfLargest(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
