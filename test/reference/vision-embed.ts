/** The vision encoder's input rows of one view: class token (where there is one), patches, positions. */

/**
 * @param patchEmbeddings [N * S, C], the patch projection's output, in cell order
 * @param positionEmbeddings [first + N * S, C], the class token's first, then in raster order
 * @param order [N * S], raster index of each patch, see cells.ts
 * @param classEmbedding [C]; it becomes row 0
 * @returns [first + N * S, C]
 */
export function visionEmbed(
  patchEmbeddings: ArrayLike<number>,
  positionEmbeddings: ArrayLike<number>,
  order: readonly number[],
  classEmbedding?: ArrayLike<number>,
): Float64Array {
  const width = patchEmbeddings.length / order.length;
  const first = classEmbedding ? 1 : 0;
  const y = new Float64Array((first + order.length) * width);
  for (let c = 0; c < width && classEmbedding; c++) y[c] = classEmbedding[c]! + positionEmbeddings[c]!;
  for (let n = 0; n < order.length; n++)
    for (let c = 0; c < width; c++) {
      const position = positionEmbeddings[(first + order[n]!) * width + c]!;
      y[(first + n) * width + c] = patchEmbeddings[n * width + c]! + position;
    }
  return y;
}
