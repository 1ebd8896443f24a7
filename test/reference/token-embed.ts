/** Rows of an embedding table. */

/**
 * @param ids [T], each below V
 * @param table [V, C]
 * @param width C
 * @returns [T, C]
 */
export function tokenEmbed(ids: ArrayLike<number>, table: ArrayLike<number>, width: number): Float64Array {
  const y = new Float64Array(ids.length * width);
  for (let t = 0; t < ids.length; t++) {
    for (let c = 0; c < width; c++) y[t * width + c] = table[ids[t]! * width + c]!;
  }
  return y;
}
