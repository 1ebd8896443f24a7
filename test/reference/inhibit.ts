/** Which text-image pairs attention inhibits: ratio, rank and mask, in f64 (paper, after eq. 11). */
import { sees } from "./attention.ts";

export type InhibitionSchedule = "linear" | "constant";

/** Threshold reported for a row that sees nothing. */
const NO_THRESHOLD = Number.NaN;

/** gamma of a layer: linear from 0 in the first layer to `maxRatio` in the last, or `maxRatio` everywhere; 0 with one layer. */
export function inhibitionRatio(
  layer: number,
  layers: number,
  maxRatio: number,
  schedule: InhibitionSchedule = "linear",
): number {
  if (schedule === "constant") return maxRatio;
  return layers === 1 ? 0 : (maxRatio * layer) / (layers - 1);
}

/** Rank of the threshold among `count` ascending scores: ratio * (count - 1), snapped to an integer within 1e-9. */
export function inhibitionRank(ratio: number, count: number): number {
  const rank = ratio * (count - 1);
  const nearest = Math.round(rank);
  return Math.abs(rank - nearest) <= 1e-9 ? nearest : rank;
}

/**
 * Marks the scores below the one at the rank's ceiling, among the seen ones of one quantile. Strict, so ties inhibit fewer.
 *
 * @param scores what the quantile is taken over; empty gives no threshold
 * @returns inhibited, 1 or 0 for each score; threshold, the linear interpolation at the rank (reported only)
 */
export function inhibitScores(scores: Float64Array, ratio: number): { inhibited: Uint8Array; threshold: number } {
  if (scores.length === 0) return { inhibited: new Uint8Array(0), threshold: NO_THRESHOLD };
  const rank = inhibitionRank(ratio, scores.length);
  const sorted = scores.slice().sort();
  const low = sorted[Math.floor(rank)]!;
  const cut = sorted[Math.ceil(rank)]!;
  return {
    inhibited: Uint8Array.from(scores, (score) => (score < cut ? 1 : 0)),
    threshold: low + (rank - Math.floor(rank)) * (cut - low),
  };
}

/**
 * The mask of all text rows, shared by the heads.
 *
 * @param focus [m, n]
 * @param textRows [m], sequence indices, ascending
 * @param images the sequence indices of each image's tokens, of all its views; n in all, ascending
 * @param visible [T, 2], the half-open range of rows that each row sees
 * @param scope one quantile per row over all images that it sees, or one per row and image
 * @returns inhibited [m, n]; threshold [m, 1] or [m, images], NaN where the row sees no such token
 */
export function inhibit(
  focus: ArrayLike<number>,
  textRows: readonly number[],
  images: readonly (readonly number[])[],
  visible: ArrayLike<number>,
  ratio: number,
  scope: "row" | "image" = "row",
): { inhibited: Uint8Array; threshold: Float64Array } {
  const groups = scope === "row" ? [images.flat()] : images;
  const columns = images.flat();
  const inhibited = new Uint8Array(textRows.length * columns.length);
  const threshold = new Float64Array(textRows.length * groups.length);
  textRows.forEach((j, row) => {
    groups.forEach((group, g) => {
      const seen = group.filter((k) => sees(j, k, { visible })).map((k) => row * columns.length + columns.indexOf(k));
      const result = inhibitScores(
        Float64Array.from(seen, (i) => focus[i]!),
        ratio,
      );
      seen.forEach((i, n) => {
        inhibited[i] = result.inhibited[n]!;
      });
      threshold[row * groups.length + g] = result.threshold;
    });
  });
  return { inhibited, threshold };
}
