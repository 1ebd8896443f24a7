/** A file that is stored while it is read. */
import { expect, test } from "vitest";
import { memorySource } from "../../src/weights/byte-source.ts";
import { CachingSource } from "../../src/weights/caching-source.ts";
import { digestSha256, hexOf } from "../../src/weights/hash.ts";
import type { StoredFile } from "../../src/weights/stored-file.ts";

test("a part that changes on disk between two reads is fetched again", async () => {
  const bytes = Uint8Array.from({ length: 12 }, (_, i) => i);
  const disk = [0, 4, 8].map((at) => bytes.slice(at, at + 4));
  const stored = {
    isComplete: false,
    storedBytes: 12,
    has: () => true,
    readPart: async (part: number) => ({ bytes: disk[part]!, hash: hexOf(await digestSha256(disk[part]!)) }),
    writePart: async (part: number, written: Uint8Array) => void disk.splice(part, 1, new Uint8Array(written)),
  } as unknown as StoredFile;
  let opened = 0;
  const openRemote = async () => {
    opened++;
    return memorySource("a.bin", bytes);
  };
  const identity = { name: "a.bin", byteLength: 12, partBytes: 4, validator: "v1" };
  const source = new CachingSource(identity as never, { stored, openRemote });
  expect(await source.read(0, 12)).toEqual(bytes);
  expect(opened).toBe(0);
  disk[0] = Uint8Array.of(9, 9, 9, 9);
  expect(await source.read(0, 4)).toEqual(bytes.subarray(0, 4));
  expect([opened, [...disk[0]]]).toEqual([1, [0, 1, 2, 3]]);
});
