/** LLaVA-PruMerge (arXiv 2403.15388, by its text and not its published code), after the encoder, in f64. */
import { topK } from "./top-k.ts";

/** Dropped cells that each kept one takes up. */
const NEIGHBOURS = 32;

/** Linear interpolation of ascending values at fraction `p` of the way from first to last. */
function quantile(sorted: Float64Array, p: number): number {
  const rank = p * (sorted.length - 1);
  const low = Math.floor(rank);
  const high = Math.ceil(rank);
  return sorted[low]! + (rank - low) * (sorted[high]! - sorted[low]!);
}

/** Indices of the cells to keep, ascending: outliers by the interquartile rule, or the `tokens` - 1 largest. */
export function prumergeKept(importance: Float64Array, tokens?: number): number[] {
  if (tokens !== undefined) return topK(importance, tokens - 1).kept;
  const sorted = importance.slice().sort();
  const q1 = quantile(sorted, 0.25);
  const q3 = quantile(sorted, 0.75);
  const outliers = importance.reduce((count, value) => count + (value > q3 + 1.5 * (q3 - q1) ? 1 : 0), 0);
  return topK(importance, Math.max(1, outliers)).kept;
}

function cosine(keys: ArrayLike<number>, width: number, a: number, b: number): number {
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let d = 0; d < width; d++) {
    const x = keys[a * width + d]!;
    const y = keys[b * width + d]!;
    dot += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  const lengths = Math.sqrt(squaresA * squaresB);
  return lengths > 0 ? dot / lengths : 0;
}

/**
 * Kept cells in ascending index, each plus `sum a_j x_j` over its 32 nearest dropped ones (all, if fewer; ties: lower
 * index) by cosine of the head-mean keys; then one cell that is `sum a_j x_j` over all dropped.
 *
 * A cell is one row of its seats in order, in x and in the keys.
 *
 * @param x [N, S * C], cells after the last run block
 * @param keys [N, S * D], their head-mean keys in that block
 * @param importance [N], a
 * @param tokens cells to end with; without it the outlier rule decides
 * @returns features [kept + 1, C]
 */
export function prumerge(
  x: ArrayLike<number>,
  keys: ArrayLike<number>,
  importance: Float64Array,
  tokens?: number,
): { features: Float64Array; kept: number[] } {
  const width = x.length / importance.length;
  const keyWidth = keys.length / importance.length;
  const kept = prumergeKept(importance, tokens);
  const dropped = Array.from(importance.keys()).filter((i) => !kept.includes(i));
  const features = new Float64Array((kept.length + 1) * width);
  kept.forEach((i, row) => {
    const cosines = dropped.map((j) => cosine(keys, keyWidth, i, j));
    const neighbours = topK(cosines, NEIGHBOURS).kept.map((n) => dropped[n]!);
    for (let c = 0; c < width; c++) {
      let sum = x[i * width + c]!;
      for (const j of neighbours) sum += importance[j]! * x[j * width + c]!;
      features[row * width + c] = sum;
    }
  });
  for (let c = 0; c < width; c++) {
    for (const j of dropped) features[kept.length * width + c]! += importance[j]! * x[j * width + c]!;
  }
  return { features, kept };
}
