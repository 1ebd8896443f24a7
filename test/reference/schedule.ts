/** The schedule of compression: blocks with a stage, cells and clusters that leave it, and the share of each view. */

function roundHalfUp(value: number): number {
  return Math.floor(value + 0.5);
}

/**
 * Blocks that hold a stage: stage i = 1..S sits in block floor(i * layers / (S + 1)).
 *
 * @param layers `num_hidden_layers` of the encoder, also where its last blocks are not run
 * @param stages S
 */
export function stageBlocks(layers: number, stages: number): number[] {
  return Array.from({ length: stages }, (_, i) => Math.floor(((i + 1) * layers) / (stages + 1)));
}

/** Throws RangeError unless the blocks are ascending, distinct and among the first `blocksRun`. */
export function checkStageBlocks(blocks: readonly number[], blocksRun: number): void {
  blocks.forEach((block, i) => {
    const previous = i === 0 ? -1 : blocks[i - 1]!;
    if (!Number.isInteger(block) || block <= previous || block >= blocksRun)
      throw new RangeError(
        `stage blocks [${blocks.join(", ")}] must be ascending, distinct and below ${blocksRun}, the number of blocks that run`,
      );
  });
}

/** Tokens to keep in the end: a count wins over a ratio; a ratio r of N gives max(1, floor(r N + 1e-9)). */
export function tokenBudget(initial: number, tokens: number | undefined, ratio: number | undefined): number {
  return tokens ?? Math.max(1, Math.floor((ratio ?? 0.5) * initial + 1e-9));
}

/**
 * Tokens after each stage, class token excluded: a constant ratio from `initial` to `final`, the last exactly `final`.
 *
 * @returns [stages]
 */
export function stageTokens(initial: number, final: number, stages: number): number[] {
  return Array.from({ length: stages }, (_, i) =>
    i + 1 === stages ? final : roundHalfUp(initial * (final / initial) ** ((i + 1) / stages)),
  );
}

/** Clusters among the `tokens` that leave a stage; the other tokens - clusters are primary. */
export function stageClusters(tokens: number, clusters: number | "auto"): number {
  return Math.min(tokens, clusters === "auto" ? Math.max(1, roundHalfUp(0.156 * tokens)) : clusters);
}

/**
 * Distributes `tokens` over views in proportion to their cells: rounded down, then one more for each of the largest
 * remainders (ties: lower view). A view below `least` takes from the largest (ties: lower view), one by one.
 *
 * @param tokens at least `least` a view, at most all cells
 * @param cells of each view, at least `least`
 */
export function dealOut(tokens: number, cells: readonly number[], least: number): number[] {
  const total = cells.reduce((a, b) => a + b);
  const counts = cells.map((count) => Math.floor((tokens * count) / total));
  const remainders = cells.map((count) => (tokens * count) % total);
  while (counts.reduce((a, b) => a + b) < tokens) {
    const view = remainders.indexOf(Math.max(...remainders));
    counts[view]!++;
    remainders[view] = -1;
  }
  for (let view = 0; view < counts.length; view++)
    while (counts[view]! < least) {
      counts[counts.indexOf(Math.max(...counts))]!--;
      counts[view]!++;
    }
  return counts;
}
