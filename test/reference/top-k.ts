/** The k largest of a list, with stable ties. */

/**
 * Splits the indices of `values` into the k largest and the rest, both ascending. Among equals the lower index is larger.
 *
 * @param values [N]
 * @param k at most N
 */
export function topK(values: ArrayLike<number>, k: number): { kept: number[]; rest: number[] } {
  const order = Array.from({ length: values.length }, (_, i) => i);
  order.sort((a, b) => values[b]! - values[a]! || a - b);
  const ascending = (a: number, b: number) => a - b;
  return { kept: order.slice(0, k).sort(ascending), rest: order.slice(k).sort(ascending) };
}
