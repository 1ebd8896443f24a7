/** Encoded pictures that are kept: those that were asked for last, whatever the order in which they came; and their keys. */
import { expect, test } from "vitest";
import { ImageCache, imageKey, type PictureOptions } from "../../src/engine/image-cache.ts";
import type { EncodedPicture } from "../../src/model/encoder/encoded-picture.ts";

test("the picture that was not asked for the longest goes first", () => {
  const cache = new ImageCache();
  const freed: string[] = [];
  const picture = (key: string) => ({ arena: { dispose: () => freed.push(key) } }) as unknown as EncodedPicture;
  const keys = Array.from({ length: 9 }, (_, i) => `picture ${i}`);
  for (const key of keys) cache.set(key, picture(key));
  expect(cache.get(keys[0]!)).toBeDefined();
  // A look alone changes nothing.
  expect(cache.has(keys[1]!)).toBe(true);
  cache.trim();
  expect(freed).toEqual([keys[1]]);
  expect([cache.has(keys[0]!), cache.has(keys[1]!)]).toEqual([true, false]);
});

test("a picture is another one under each option that changes its rows", () => {
  const plain: PictureOptions = { compression: { method: "none" }, budget: {} };
  const changes: Partial<PictureOptions>[] = [
    {},
    { compression: { method: "vmtc", ratio: 0.5 } },
    { budget: { maxTiles: 4 } },
    { several: true },
    { question: [1, 2] },
    { question: [12] },
  ];
  const keys = [...changes.map((change) => imageKey("a", { ...plain, ...change })), imageKey("b", plain)];
  expect(new Set(keys).size).toBe(keys.length);
  expect(imageKey("a", { ...plain, several: false })).toBe(keys[0]);
  expect(imageKey("a", { ...plain, compression: { ratio: 0.5, method: "vmtc" } })).toBe(keys[1]);
});
