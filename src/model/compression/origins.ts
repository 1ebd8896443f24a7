/** The original cells of each cell, computed from the choices of stages that were read back. Pure. */

/** The choice of a stage, in indices of the cells that entered. */
export interface StageChoice {
  primary: ArrayLike<number>;
  redundant: ArrayLike<number>;
  /** Cluster of each redundant cell; empty where they are dropped. */
  labels: ArrayLike<number>;
}

/** The origins before the first stage: each cell itself. */
export function wholeOrigins(cells: number): Uint32Array[] {
  return Array.from({ length: cells }, (_, cell) => Uint32Array.of(cell));
}

/**
 * The original cells of the cells that leave a stage, ascending: of the primary ones, then of clusters.
 *
 * @param entered of the cells that entered
 */
export function originsAfter(entered: readonly Uint32Array[], choice: StageChoice): Uint32Array[] {
  const clusters: number[][] = [];
  for (let r = 0; r < choice.labels.length; r++) {
    clusters[choice.labels[r]!] ??= [];
    clusters[choice.labels[r]!]!.push(...entered[choice.redundant[r]!]!);
  }
  const kept = Array.from(choice.primary, (cell) => entered[cell]!);
  return [...kept, ...clusters.map((cells) => Uint32Array.from(cells).sort())];
}
