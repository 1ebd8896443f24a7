/** A prompt as rows of the decoder: token ids with the image tokens spliced in where the placeholders stood. Pure. */
import type { Tensor } from "../gpu/tensor.ts";
import { NO_TOKEN } from "../kernels/token-embed.ts";

/** Image tokens that stand in a prompt. */
export interface PromptImage {
  /** First row. */
  row: number;
  /** [n, W], projected; not owned. */
  tokens: Tensor;
}

export interface Prompt {
  /** [T]; `NO_TOKEN` where an image token stands. */
  ids: Uint32Array;
  /** [T], for RoPE. */
  positions: Uint32Array;
  images: PromptImage[];
  /** Position of the first generated token. */
  nextPosition: number;
}

/**
 * Replaces the i-th placeholder by the i-th image's tokens.
 *
 * @param imageTokens [n, W] each, in the order of the placeholders
 * @throws TypeError if there are more or fewer placeholders than images; RangeError for an id outside the vocabulary
 */
export function splicePrompt(
  inputIds: readonly number[],
  imageTokens: readonly Tensor[],
  { imageTokenId, vocabularySize }: { imageTokenId: number | undefined; vocabularySize: number },
): Prompt {
  const placeholders = inputIds.filter((id) => id === imageTokenId).length;
  if (placeholders !== imageTokens.length)
    throw new TypeError(
      `the prompt has ${placeholders} image placeholders (id ${imageTokenId}) for ${imageTokens.length} images; there must be one for each`,
    );
  if (inputIds.length === 0) throw new TypeError("the prompt is empty: at least one token is needed");
  const ids: number[] = [];
  const images: PromptImage[] = [];
  for (const [i, id] of inputIds.entries()) {
    if (id === imageTokenId) {
      const tokens = imageTokens[images.length]!;
      images.push({ row: ids.length, tokens });
      for (let n = 0; n < tokens.shape[0]!; n++) ids.push(NO_TOKEN);
      continue;
    }
    if (!Number.isInteger(id) || id < 0 || id >= vocabularySize)
      throw new RangeError(`token id ${id} at ${i} of the prompt; the model's vocabulary has ${vocabularySize}`);
    ids.push(id);
  }
  const positions = Uint32Array.from(ids, (_, row) => row);
  return { ids: Uint32Array.from(ids), positions, images, nextPosition: ids.length };
}
