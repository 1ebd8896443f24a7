/** The gated delta rule as its recurrence, a row after another, in f64. */

/** Heads of the rule: each key head serves valueHeads / keyHeads neighbouring value heads; where `tiled`, every keyHeads-th one. */
export interface DeltaHeads {
  keyHeads: number;
  tiled?: boolean;
  valueHeads: number;
  keyWidth: number;
  valueWidth: number;
}

/** Parameters that all rows of a head share. */
export interface DeltaParameters {
  /** A_log, [Hv] */
  rate: ArrayLike<number>;
  /** dt_bias, [Hv] */
  bias: ArrayLike<number>;
}

/** The logarithm of a head's decay, and the strength of its write. */
export function deltaGates(a: number, b: number, rate: number, bias: number): { g: number; beta: number } {
  return { g: -Math.exp(rate) * softplus(a + bias), beta: 1 / (1 + Math.exp(-b)) };
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** The vector over its length, with transformers' epsilon under the root. */
function unit(x: readonly number[]): number[] {
  const length = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) + 1e-6);
  return x.map((value) => value / length);
}

/** Queries, keys and value of a value head in row t. @param qkv [T, 2 Hk dk + Hv dv] */
export function headOf(
  qkv: ArrayLike<number>,
  t: number,
  head: number,
  { keyHeads, valueHeads, keyWidth, valueWidth, tiled }: DeltaHeads,
): { q: number[]; k: number[]; v: number[] } {
  const keyHead = tiled ? head % keyHeads : Math.floor(head / (valueHeads / keyHeads));
  const row = t * (2 * keyHeads * keyWidth + valueHeads * valueWidth);
  const slice = (first: number, count: number) => Array.from({ length: count }, (_, i) => qkv[row + first + i]!);
  return {
    q: unit(slice(keyHead * keyWidth, keyWidth)).map((value) => value / Math.sqrt(keyWidth)),
    k: unit(slice((keyHeads + keyHead) * keyWidth, keyWidth)),
    v: slice(2 * keyHeads * keyWidth + head * valueWidth, valueWidth),
  };
}

/**
 * All rows, one after another: `S *= exp(g); d = beta (v - S^T k); S += k d^T; y = S^T q`.
 *
 * @param qkv [T, 2 Hk dk + Hv dv]
 * @param gates [T, 2 Hv]: b, then a
 * @param before S of each value head before the first row, [Hv, dk, dv]; zeros by default
 * @returns y [T, Hv dv]; state [Hv, dk, dv] after the last row
 */
export function deltaRule(
  qkv: ArrayLike<number>,
  gates: ArrayLike<number>,
  { rate, bias }: DeltaParameters,
  heads: DeltaHeads,
  before?: ArrayLike<number>,
): { y: Float64Array; state: Float64Array } {
  const { valueHeads, keyWidth, valueWidth } = heads;
  const rows = gates.length / (2 * valueHeads);
  const state = Float64Array.from(before ?? new Float64Array(valueHeads * keyWidth * valueWidth));
  const y = new Float64Array(rows * valueHeads * valueWidth);
  for (let t = 0; t < rows; t++)
    for (let head = 0; head < valueHeads; head++) {
      const { q, k, v } = headOf(qkv, t, head, heads);
      const at = (part: number) => gates[(2 * t + part) * valueHeads + head]!;
      const { g, beta } = deltaGates(at(1), at(0), rate[head]!, bias[head]!);
      const S = state.subarray(head * keyWidth * valueWidth, (head + 1) * keyWidth * valueWidth);
      for (let i = 0; i < S.length; i++) S[i]! *= Math.exp(g);
      for (let c = 0; c < valueWidth; c++) {
        let recalled = 0;
        for (let i = 0; i < keyWidth; i++) recalled += S[i * valueWidth + c]! * k[i]!;
        const d = beta * (v[c]! - recalled);
        let sum = 0;
        for (let i = 0; i < keyWidth; i++) {
          S[i * valueWidth + c]! += k[i]! * d;
          sum += S[i * valueWidth + c]! * q[i]!;
        }
        y[(t * valueHeads + head) * valueWidth + c] = sum;
      }
    }
  return { y, state };
}
