/**
 * What became of each patch of a picture, stage by stage: the numbers behind the drawing over it. Pure.
 * Stage 0 is the picture as it enters, stage s what leaves the s-th compression.
 */
import type { CompressionStage } from "../../api.ts";

/** One picture of an answer, as the engine told of it. */
export interface SeenImage {
  /** Image tokens that the decoder reads. */
  tokens: number;
  /** Patches before compression. */
  patches: number;
  milliseconds: number;
  stages: readonly CompressionStage[];
}

/** Token of each patch at a stage; -1 for a patch that was dropped. */
export interface TokenMap {
  /** [patches] */
  tokenOf: Int32Array;
  /** Per token, its patches. */
  patchesOf: readonly ArrayLike<number>[];
}

/** How many stages the slider has, the picture as it enters aside. */
export function stageCount(image: SeenImage): number {
  return image.stages.length > 0 ? image.stages.length : Number(image.tokens !== image.patches);
}

/** Which token each patch belongs to. Undefined where the engine did not say, as of an unknown way to compress. */
export function tokenMap(image: SeenImage, stage: number): TokenMap | undefined {
  const patchesOf = patchLists(image, stage);
  if (!patchesOf) return undefined;
  const tokenOf = new Int32Array(image.patches).fill(-1);
  for (const [token, patches] of patchesOf.entries())
    for (const patch of Array.from(patches)) if (patch < image.patches) tokenOf[patch] = token;
  return { tokenOf, patchesOf };
}

function patchLists({ stages, patches, tokens }: SeenImage, stage: number): readonly ArrayLike<number>[] | undefined {
  if (stage === 0) return Array.from({ length: patches }, (_, patch) => [patch]);
  const { origins } = stages[stage - 1] ?? {};
  // A class token comes first, without patches; the decoder does not read it.
  if (origins) return origins.filter((list, i) => i > 0 || list.length > 0);
  return pooledPatches(patches, tokens);
}

/** Squares of patches that were averaged, row by row; those at the far edges may be cut. */
function pooledPatches(patches: number, tokens: number): number[][] | undefined {
  const side = Math.floor(Math.sqrt(patches));
  const pooledSide = Math.sqrt(tokens);
  const factor = Math.ceil(side / pooledSide);
  if (side * side !== patches || Math.ceil(side / factor) !== pooledSide) return undefined;
  const lists: number[][] = Array.from({ length: tokens }, () => []);
  for (let patch = 0; patch < patches; patch++) {
    const [row, column] = [Math.floor(patch / side), patch % side];
    lists[Math.floor(row / factor) * pooledSide + Math.floor(column / factor)]!.push(patch);
  }
  return lists;
}

/** Numbers of a stage, for captions. */
export interface StageCounts {
  tokens: number;
  /** Tokens that are one patch. */
  kept: number;
  /** Tokens that stand for several patches, and those patches. */
  merged: number;
  mergedPatches: number;
  dropped: number;
}

export function countTokens({ tokenOf, patchesOf }: TokenMap): StageCounts {
  const sizes = patchesOf.map(({ length }) => length);
  const several = sizes.filter((size) => size > 1);
  return {
    tokens: sizes.length,
    kept: sizes.length - several.length,
    merged: several.length,
    mergedPatches: several.reduce((sum, size) => sum + size, 0),
    dropped: tokenOf.filter((token) => token < 0).length,
  };
}

/** A caption: "32 tokens: 27 patches kept, 5 clusters of 37 patches, none dropped". */
export function countsText({ tokens, kept, merged, mergedPatches, dropped }: StageCounts): string {
  const clusters = merged > 0 ? `, ${merged} ${merged === 1 ? "cluster" : "clusters"} of ${mergedPatches} patches` : "";
  return `${tokens} tokens: ${kept} patches kept${clusters}, ${dropped === 0 ? "none" : dropped} dropped`;
}
