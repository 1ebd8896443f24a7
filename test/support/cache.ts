/** A layer's cache as `rope` and `qkv` write it: rows of keys, then values. */

/** Splits a cache: `rows` rows of 2 `keyWidth` components from row `cacheRow` on, and everything else. */
export function splitCache(
  cache: Float32Array,
  { cacheRow, rows, keyWidth }: { cacheRow: number; rows: number; keyWidth: number },
): { written: { keys: Float32Array; values: Float32Array }; others: number[] } {
  const [first, end] = [cacheRow * 2 * keyWidth, (cacheRow + rows) * 2 * keyWidth];
  const half = (offset: number) =>
    Float32Array.from(
      { length: rows * keyWidth },
      (_, i) => cache[first + Math.floor(i / keyWidth) * 2 * keyWidth + offset + (i % keyWidth)]!,
    );
  const others = [...cache.subarray(0, first), ...cache.subarray(end)];
  return { written: { keys: half(0), values: half(keyWidth) }, others };
}
