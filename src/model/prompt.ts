/** A prompt as rows of the decoder: token ids with image tokens in place of the placeholders. Pure. */
import type { Tensor } from "../gpu/tensor.ts";
import { NO_TOKEN } from "../kernels/token-embed.ts";
import { causalRanges } from "./visible.ts";

/** An image's tokens as they enter a prompt; not owned. */
export interface ImageTokens {
  tokens: Tensor; // [n, W], projected
  /** For original positions; without it positions are contiguous. */
  placed?: Placement | undefined;
}

/** Where tokens stood in the picture. */
export interface Placement {
  origins: Tensor; // [n - first, W + 1] u32; see kernels/origins.ts
  /** Tokens in front of the patches: 1 with a class token. */
  first: number;
  /** Patches of the whole grid. */
  patches: number;
}

/** Image tokens that stand in a prompt. */
export interface PromptImage extends ImageTokens {
  /** First row. */
  row: number;
  /** Position of that row. */
  position: number;
}

/** The rows of each image, as inhibition takes them. */
export function imageRuns({ images }: Pick<Prompt, "images">): { row: number; tokens: number }[][] {
  return images.map(({ row, tokens }) => [{ row, tokens: tokens.shape[0]! }]);
}

export interface Prompt {
  /** [T]; `NO_TOKEN` where an image token stands. */
  ids: Uint32Array;
  /** [axes, T], for RoPE. Tokens with a placement have 0 here, because only the GPU knows their positions. */
  positions: Uint32Array;
  /** [T, 2], the half-open range of rows that each row sees; see visible.ts. */
  visible: Uint32Array;
  images: PromptImage[];
  /** Position of the first generated token. */
  nextPosition: number;
}

/** Positions of the rows `first` to `end`, [axes, end - first]. */
export function positionsOf({ ids, positions }: Prompt, first: number, end: number): Uint32Array {
  const rows = ids.length;
  const axes = positions.length / rows;
  if (axes === 1) return positions.subarray(first, end);
  const chunk = new Uint32Array(axes * (end - first));
  for (let axis = 0; axis < axes; axis++)
    chunk.set(positions.subarray(axis * rows + first, axis * rows + end), axis * (end - first));
  return chunk;
}

/**
 * Replaces the i-th placeholder by the i-th image's tokens.
 *
 * @param imageTokens in the order of the placeholders
 * @throws TypeError if there are more or fewer placeholders than images; RangeError for an id outside the vocabulary
 */
export function splicePrompt(
  inputIds: readonly number[],
  imageTokens: readonly ImageTokens[],
  { imageTokenId, vocabularySize }: { imageTokenId: number | undefined; vocabularySize: number },
): Prompt {
  // A list may have holes, which must not pass for the image token of a model that has none.
  const isPlaceholder = (id: number) => id !== undefined && id === imageTokenId;
  const placeholders = inputIds.filter(isPlaceholder).length;
  if (placeholders !== imageTokens.length)
    throw new TypeError(
      `the prompt has ${placeholders} image placeholders (id ${imageTokenId}) for ${imageTokens.length} images; there must be one for each`,
    );
  if (inputIds.length === 0) throw new TypeError("the prompt is empty: at least one token is needed");
  const ids: number[] = [];
  const positions: number[] = [];
  const images: PromptImage[] = [];
  let position = 0;
  for (const [i, id] of inputIds.entries()) {
    if (isPlaceholder(id)) {
      const image = imageTokens[images.length]!;
      const rows = image.tokens.shape[0]!;
      images.push({ ...image, row: ids.length, position });
      for (let n = 0; n < rows; n++) {
        ids.push(NO_TOKEN);
        const isOnGpu = image.placed !== undefined && n >= image.placed.first;
        positions.push(isOnGpu ? 0 : position + n);
      }
      // The text goes on behind the whole grid.
      position += image.placed ? image.placed.first + image.placed.patches : rows;
      continue;
    }
    if (!Number.isInteger(id) || id < 0 || id >= vocabularySize)
      throw new RangeError(`token id ${id} at ${i} of the prompt; the model's vocabulary has ${vocabularySize}`);
    ids.push(id);
    positions.push(position++);
  }
  return {
    ids: Uint32Array.from(ids),
    positions: Uint32Array.from(positions),
    visible: causalRanges(ids.length),
    images,
    nextPosition: position,
  };
}
