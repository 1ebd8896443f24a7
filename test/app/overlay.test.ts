import { expect, test } from "vitest";
import type { CompressionStage } from "../../src/api.ts";
import { countsText, countTokens, type SeenImage, stageCount, tokenMap } from "../../src/app/logic/overlay.ts";

/** A picture of four patches, of which a stage made tokens of these patches. */
function seen(origins: number[][], patches = 4): SeenImage {
  const stage = { origins: origins.map((list) => Uint32Array.from(list)) } as unknown as CompressionStage;
  return { tokens: origins.length, patches, milliseconds: 1, stages: [stage] };
}

test("patches are kept, merged or dropped as the stage says", () => {
  const image = seen([[2], [0, 3]]);
  expect(stageCount(image)).toBe(1);
  const map = tokenMap(image, 1)!;
  expect([...map.tokenOf]).toEqual([1, -1, 0, 1]);
  const counts = countTokens(map);
  expect(counts).toEqual({ tokens: 2, kept: 1, merged: 1, mergedPatches: 2, dropped: 1 });
  expect(countsText(counts)).toBe("2 tokens: 1 patches kept, 1 cluster of 2 patches, 1 dropped");
});

test("a class token in front has no patches, and is no token that the decoder reads", () => {
  const map = tokenMap(seen([[], [1], [0, 2, 3]]), 1)!;
  expect([...map.tokenOf]).toEqual([1, 0, 1, 1]);
  expect(countTokens(map).tokens).toBe(2);
});

test("stage 0 is the picture as it enters", () => {
  const map = tokenMap(seen([[0, 1, 2, 3]]), 0)!;
  expect([...map.tokenOf]).toEqual([0, 1, 2, 3]);
});

test("patches that name no patch of the picture are left out", () => {
  expect([...tokenMap(seen([[0, 99]]), 1)!.tokenOf]).toEqual([0, -1, -1, -1]);
});

test("pooling has no stages: its squares follow from the numbers, cut at the far edges", () => {
  const image: SeenImage = { tokens: 4, patches: 9, milliseconds: 1, stages: [] };
  expect(stageCount(image)).toBe(1);
  expect([...tokenMap(image, 1)!.tokenOf]).toEqual([0, 0, 1, 0, 0, 1, 2, 2, 3]);
});

test("numbers that fit no square are not drawn", () => {
  expect(tokenMap({ tokens: 5, patches: 9, milliseconds: 1, stages: [] }, 1)).toBeUndefined();
});
