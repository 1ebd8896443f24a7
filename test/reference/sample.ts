/**
 * The tokens a sampler may choose: repetition penalty, temperature, top-k, top-p, min-p, in the order of Hugging Face's
 * `generate`. Draws nothing: the GPU's draws are judged by these probabilities.
 */

export interface SampleOptions {
  /** 0 is greedy: one token of probability 1. */
  temperature: number;
  /** Keep the k largest logits and what ties with the last of them; 0 or absent keeps all. */
  topK?: number;
  /** Keep the smallest set of most likely tokens whose probability reaches this; 1 or absent keeps all. */
  topP?: number;
  /** Keep tokens of at least this share of the largest probability; 0 or absent keeps all. */
  minP?: number;
  /** Divides positive and multiplies negative logits of the tokens in `seen`; 1 or absent changes none. */
  repetitionPenalty?: number;
  /** Ids of the prompt and of what was generated; repeated ones count once. */
  seen?: Iterable<number>;
  /** Ids that are never chosen. */
  banned?: Iterable<number>;
}

/**
 * @param logits [V]
 * @returns the kept tokens, most likely first (ties: lower id first), with probabilities that sum to 1
 */
export function sampleDistribution(
  logits: ArrayLike<number>,
  options: SampleOptions,
): { id: number; probability: number }[] {
  const { temperature, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  const scores = Float64Array.from(logits);
  for (const id of new Set(options.seen)) scores[id]! *= scores[id]! < 0 ? repetitionPenalty : 1 / repetitionPenalty;
  for (const id of options.banned ?? []) scores[id] = Number.NEGATIVE_INFINITY;

  let kept: { id: number; score: number }[] = [];
  for (let id = 0; id < scores.length; id++) {
    if (scores[id]! > Number.NEGATIVE_INFINITY) kept.push({ id, score: scores[id]! });
  }
  kept.sort((a, b) => b.score - a.score || a.id - b.id);
  if (temperature === 0) return kept.slice(0, 1).map(({ id }) => ({ id, probability: 1 }));

  if (topK > 0 && topK < kept.length) {
    const last = kept[topK - 1]!.score;
    kept = kept.filter(({ score }) => score >= last);
  }

  const tokens = softmax(kept, temperature);
  // A token stays while those before it have not reached topP yet; the first always does.
  let before = 0;
  let count = 0;
  while (count < tokens.length && (count === 0 || before < topP)) before += tokens[count++]!.probability;
  const likely = tokens.slice(0, topP < 1 ? count : tokens.length);
  const least = minP * likely[0]!.probability;
  const numbers = likely.filter(({ probability }) => probability >= least).length;
  return softmax(kept.slice(0, numbers), temperature);
}

/** `sorted` has the largest score first. */
function softmax(sorted: { id: number; score: number }[], temperature: number): { id: number; probability: number }[] {
  const weights = sorted.map(({ score }) => Math.exp((score - sorted[0]!.score) / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return sorted.map(({ id }, i) => ({ id, probability: weights[i]! / sum }));
}
