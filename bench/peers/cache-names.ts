/** Names of the caches in the Llama's graph. */

/** Names for a layer: keys, values; each [1, Hk, S, D]. */
export function cacheNames(layer: number): { past: [string, string]; present: [string, string] } {
  const names = (time: string): [string, string] => [`${time}.${layer}.key`, `${time}.${layer}.value`];
  return { past: names("past"), present: names("present") };
}
