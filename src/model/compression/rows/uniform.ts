/** Evenly spaced rows, independent of the content: the baseline that a method has to beat. */
import type { RowMethod } from "./row-method.ts";

export const uniform: RowMethod = {
  choose({ order, chosen, upload }) {
    const [views, count] = order.shape as [number, number];
    const kept = evenlySpaced(count, chosen.shape[1]!);
    const others = Array.from({ length: count }, (_, row) => row).filter((row) => !kept.includes(row));
    upload(order, repeated([...kept, ...others], views));
    upload(chosen, repeated(kept, views));
  },
};

/** The middles of k equal parts of n rows, ascending. */
export function evenlySpaced(n: number, k: number): number[] {
  return Array.from({ length: k }, (_, i) => Math.floor(((i + 0.5) * n) / k));
}

function repeated(values: readonly number[], times: number): Uint32Array {
  return Uint32Array.from(Array.from({ length: times }, () => values).flat());
}
