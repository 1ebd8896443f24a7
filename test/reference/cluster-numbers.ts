/** Canonical numbers of clusters. */

/** Renumbers clusters by their smallest member: row 0 is in cluster 0, the first row outside it in cluster 1, ... */
export function clusterNumbers(labels: Uint32Array): Uint32Array {
  const numbers = new Map<number, number>();
  return labels.map((label) => {
    if (!numbers.has(label)) numbers.set(label, numbers.size);
    return numbers.get(label)!;
  });
}
