/** The vision encoder's input sequence: class token (where there is one), patches, positions. */

/**
 * @param patchEmbeddings [N, C], the patch projection's output
 * @param positionEmbeddings [N + 1, C] with a class token, else [N, C]
 * @param classEmbedding [C]; it becomes row 0
 * @returns the shape of `positionEmbeddings`
 */
export function visionEmbed(
  patchEmbeddings: ArrayLike<number>,
  positionEmbeddings: ArrayLike<number>,
  classEmbedding?: ArrayLike<number>,
): Float64Array {
  const classLength = classEmbedding?.length ?? 0;
  const y = new Float64Array(classLength + patchEmbeddings.length);
  for (let i = 0; i < y.length; i++) {
    const token = i < classLength ? classEmbedding![i]! : patchEmbeddings[i - classLength]!;
    y[i] = token + positionEmbeddings[i]!;
  }
  return y;
}
