/** Log-softmax over logits, and the most likely ids, in f64. */

/** @param logits [V] @returns [V] */
export function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const scores = Float64Array.from(logits);
  const top = scores.reduce((largest, score) => Math.max(largest, score), Number.NEGATIVE_INFINITY);
  const sum = scores.reduce((total, score) => total + Math.exp(score - top), 0);
  return scores.map((score) => score - top - Math.log(sum));
}

/** Ids of the `count` largest logits that are not banned; of equal ones the lower id first. */
export function topIds(logits: ArrayLike<number>, count: number, banned: Iterable<number> = []): number[] {
  const left = new Set(Array.from({ length: logits.length }, (_, id) => id));
  for (const id of banned) left.delete(id);
  return [...left].sort((a, b) => logits[b]! - logits[a]! || a - b).slice(0, count);
}
