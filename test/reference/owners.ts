/** Which original cells each cell of a view stands for, and which of them owns it, through a compression stage. */

/** The past of one cell; the class token has none. */
export interface Origin {
  /** Raster indices of the original cells in it, ascending. */
  cells: number[];
  /** Raster index of its owner, whose position it takes with original positions. */
  owner: number;
}

/** Cells before the first stage: each stands for itself. */
export function initialOrigins(cellCount: number): Origin[] {
  return Array.from({ length: cellCount }, (_, i) => ({ cells: [i], owner: i }));
}

/**
 * Origins of the cells that leave a stage: primaries, then clusters. A cluster holds its members' cells and has the owner
 * of its member of highest importance (ties: lower index). Redundant cells without labels are dropped.
 *
 * @param origins [N], of the cells that entered
 * @param importance [N]
 * @param primary indices of what is kept
 * @param redundant [R], indices of the rest
 * @param labels [R], or empty where the rest is dropped
 */
export function stageOrigins(
  origins: readonly Origin[],
  importance: ArrayLike<number>,
  primary: ArrayLike<number>,
  redundant: ArrayLike<number>,
  labels: ArrayLike<number>,
): Origin[] {
  const kept = Array.from(primary, (i) => origins[i]!);
  const clusters = labels.length === 0 ? 0 : Math.max(...Array.from(labels)) + 1;
  for (let g = 0; g < clusters; g++) {
    const members = Array.from(redundant).filter((_, r) => labels[r] === g);
    const cells = members.flatMap((i) => origins[i]!.cells).sort((a, b) => a - b);
    const highest = members.reduce((best, i) => (importance[i]! > importance[best]! ? i : best));
    kept.push({ cells, owner: origins[highest]!.owner });
  }
  return kept;
}
