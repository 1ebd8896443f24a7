/**
 * Means with their standard errors. Answers on one picture are correlated, so pictures count as independent, not
 * answers (a cluster-robust error). With one answer a picture this is the binomial error, with n - 1 in the
 * denominator.
 */

/** One answer's score: 1 or 0, or the difference of two. */
export interface Sample {
  /** The picture of the answer. */
  cluster: string;
  value: number;
}

export interface Estimate {
  mean: number;
  /** Standard error of the mean; NaN with fewer than two pictures. */
  error: number;
  /** Answers. */
  count: number;
}

/** Mean of scores; NaN without scores. */
export function estimate(samples: readonly Sample[]): Estimate {
  const count = samples.length;
  const mean = samples.reduce((sum, { value }) => sum + value, 0) / count;
  const residuals = new Map<string, number>();
  for (const { cluster, value } of samples) residuals.set(cluster, (residuals.get(cluster) ?? 0) + value - mean);
  const clusters = residuals.size;
  if (clusters < 2) return { mean, error: Number.NaN, count };
  const squares = [...residuals.values()].reduce((sum, residual) => sum + residual ** 2, 0);
  return { mean, error: Math.sqrt((clusters / (clusters - 1)) * squares) / count, count };
}

/**
 * Share of scores that are 1. If all are equal, the error is not 0 but that of a share with one more right and one more
 * wrong answer (Laplace).
 */
export function proportion(samples: readonly Sample[]): Estimate {
  const found = estimate(samples);
  if (found.count < 2 || (found.mean > 0 && found.mean < 1)) return found;
  const share = (found.mean * found.count + 1) / (found.count + 2);
  return { ...found, error: Math.sqrt((share * (1 - share)) / found.count) };
}

/** Mean of `a` minus `b` over the questions that both have, keyed alike; the same question is its own control. */
export function pairedDifference(a: ReadonlyMap<string, Sample>, b: ReadonlyMap<string, Sample>): Estimate {
  const differences = [...a].flatMap(([key, { cluster, value }]) => {
    const other = b.get(key);
    return other ? [{ cluster, value: value - other.value }] : [];
  });
  return estimate(differences);
}

/**
 * Probability of at least this imbalance between two counts if both outcomes are equally likely, two-sided: McNemar's exact
 * test, where `better` questions came out right under one setting only, and `worse` under the other only.
 */
export function mcnemar(better: number, worse: number): number {
  const count = better + worse;
  let term = -count * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(better, worse); k++) {
    tail += Math.exp(term);
    term += Math.log((count - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}

/** The value with six decimals, as reports store it. */
export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
