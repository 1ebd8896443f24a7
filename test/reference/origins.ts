/** Which original patches each token stands for, and where it stands, through a compression stage. */

/** One token's past; the class token has none. */
export interface Origin {
  /** Raster indices of the original patches in it, ascending. */
  patches: number[];
  /** Raster index whose position the token takes with original positions. */
  position: number;
}

/** Tokens before the first stage: each its own patch. */
export function initialOrigins(patchCount: number): Origin[] {
  return Array.from({ length: patchCount }, (_, i) => ({ patches: [i], position: i }));
}

/**
 * Origins of the tokens that leave a stage: primaries, then clusters. A cluster holds its members' patches and takes the
 * position of its member of highest importance (ties: lower index). Redundant tokens without labels are dropped.
 *
 * @param origins [N], of the tokens that entered
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
    const patches = members.flatMap((i) => origins[i]!.patches).sort((a, b) => a - b);
    const highest = members.reduce((best, i) => (importance[i]! > importance[best]! ? i : best));
    kept.push({ patches, position: origins[highest]!.position });
  }
  return kept;
}
