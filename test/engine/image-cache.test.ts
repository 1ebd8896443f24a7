/** Encoded pictures that are kept: those that were asked for last, whatever the order in which they came. */
import { expect, test } from "vitest";
import { ImageCache } from "../../src/engine/image-cache.ts";
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
