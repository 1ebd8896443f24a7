/** What counts as a change of sources: contents and names, and nothing else. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hashOf, isStamped } from "../../tools/fresh.mjs";

const folder = mkdtempSync(join(tmpdir(), "fovea-fresh-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a changed, new, renamed or deleted file changes the hash; its time does not", () => {
  const sources = join(folder, "src");
  const file = (name: string) => join(sources, name);
  mkdirSync(file("deep"), { recursive: true });
  writeFileSync(file("a.ts"), "a");
  writeFileSync(file("deep/b.ts"), "b");
  const hashes = [hashOf([sources])];
  const record = () => hashes.push(hashOf([sources]));

  utimesSync(file("a.ts"), 1, 1);
  expect(hashOf([sources])).toBe(hashes[0]);
  writeFileSync(file("deep/b.ts"), "c");
  record();
  writeFileSync(file("d.ts"), "");
  record();
  // To a name in the same place of the order, and to one in another.
  renameSync(file("d.ts"), file("d2.ts"));
  record();
  renameSync(file("d2.ts"), file("e.ts"));
  record();
  // Bytes that move from one file to the next.
  writeFileSync(file("a.ts"), "");
  writeFileSync(file("deep/b.ts"), "ac");
  record();
  expect(new Set(hashes).size).toBe(hashes.length);
  rmSync(sources, { recursive: true });
  expect(hashOf([sources])).toBe(hashOf([]));
});

test("a stamp holds for its hash alone", () => {
  const stamp = join(folder, "stamp");
  expect(isStamped(stamp, "x")).toBe(false);
  writeFileSync(stamp, "x");
  expect(isStamped(stamp, "x")).toBe(true);
  expect(isStamped(stamp, "y")).toBe(false);
});
