/** Effects of a chunk's rows on each other in the gated delta rule, by its definition, in f64. */
import { type DeltaHeads, type DeltaParameters, deltaGates, headOf } from "./delta-step.ts";

/**
 * Of each row and value head, with G the sums of log decays from the chunk's first row on: the row of (I + A)^-1 diag(beta),
 * A[i, j] = beta_i exp(G_i - G_j) k_i . k_j for j < i; and the row exp(G_i - G_j) q_i . k_j for j <= i.
 *
 * @returns [T, Hv, 2, chunk]
 */
export function deltaPairs(
  qkv: ArrayLike<number>,
  gates: ArrayLike<number>,
  { rate, bias }: DeltaParameters,
  heads: DeltaHeads,
  chunk: number,
): Float64Array {
  const { valueHeads } = heads;
  const rows = gates.length / (2 * valueHeads);
  const pairs = new Float64Array(rows * valueHeads * 2 * chunk);
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  for (let first = 0; first < rows; first += chunk)
    for (let head = 0; head < valueHeads; head++) {
      const count = Math.min(chunk, rows - first);
      const at = (t: number, part: number) => gates[(2 * t + part) * valueHeads + head]!;
      const of = Array.from({ length: count }, (_, i) => ({
        ...headOf(qkv, first + i, head, heads),
        ...deltaGates(at(first + i, 1), at(first + i, 0), rate[head]!, bias[head]!),
      }));
      const kept = (i: number, j: number) => Math.exp(of.slice(j + 1, i + 1).reduce((sum, { g }) => sum + g, 0));
      // Rows of (I + A)^-1 diag(beta), each from those before it.
      const solved: number[][] = [];
      for (let i = 0; i < count; i++) {
        const row = Array.from({ length: chunk }, (_, j) => (j === i ? of[i]!.beta : 0));
        for (let l = 0; l < i; l++) {
          const factor = of[i]!.beta * kept(i, l) * dot(of[i]!.k, of[l]!.k);
          for (let j = 0; j < chunk; j++) row[j]! -= factor * solved[l]![j]!;
        }
        solved.push(row);
        const place = ((first + i) * valueHeads + head) * 2 * chunk;
        pairs.set(row, place);
        for (let j = 0; j <= i; j++) pairs[place + chunk + j] = kept(i, j) * dot(of[i]!.q, of[j]!.k);
      }
    }
  return pairs;
}
