/** Sizes of a gated delta rule (Yang et al. 2024), apart from the kernels, which load late. Pure. */

/** Heads of a gated delta rule. */
export interface DeltaHeads {
  /** Hk; each serves Hv / Hk neighbouring value heads, or where `tiled` every Hk-th one. */
  keyHeads: number;
  tiled?: boolean;
  /** Hv */
  valueHeads: number;
  /** dk, at most `MAX_KEY_WIDTH` */
  keyWidth: number;
  /** dv */
  valueWidth: number;
}

/** Rows of a chunk: their pairs are solved at once, chunks follow one another. */
export const DELTA_CHUNK = 16;

/** Elements of a row of queries, keys and values. */
export function deltaWidth({ keyHeads, valueHeads, keyWidth, valueWidth }: DeltaHeads): number {
  return 2 * keyHeads * keyWidth + valueHeads * valueWidth;
}
