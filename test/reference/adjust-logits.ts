/** Bias and penalties on logits, in f64. */

export interface Adjustments {
  bias?: ReadonlyMap<number, number>;
  /** Ids of the prompt and of what was generated. */
  seen?: Iterable<number>;
  /** Ids that were generated, repeated ones as often as they were. */
  generated?: readonly number[];
  repetitionPenalty?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
}

/** @param logits [V] @returns [V] */
export function adjustLogits(logits: ArrayLike<number>, adjustments: Adjustments): Float64Array {
  const { bias, generated = [], repetitionPenalty = 1, frequencyPenalty = 0, presencePenalty = 0 } = adjustments;
  const scores = Float64Array.from(logits);
  for (const [id, value] of bias ?? []) scores[id]! += value;
  for (const id of new Set(adjustments.seen)) {
    if (scores[id]! < 0) scores[id]! *= repetitionPenalty;
    else scores[id]! /= repetitionPenalty;
  }
  for (const id of new Set(generated)) {
    const count = generated.filter((other) => other === id).length;
    scores[id]! -= frequencyPenalty * count;
    scores[id]! -= presencePenalty;
  }
  return scores;
}
