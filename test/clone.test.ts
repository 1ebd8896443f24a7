/** A fresh clone has no `../shared` beside it: tests read what is in test/golden, or say by name what they miss. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "./support/command.ts";
import { filesBelow, readSource } from "./support/sources.ts";

/** What a file uses that reads outside of the clone, or knows that it may not be there. */
const GUARDS = /\b(describeShared|testShared|hasShared|needing|sharedBytesIfAny|sharedJsonIfAny)\b/;
/** Paths of `../shared` that a file names; up to the first part that a variable fills in. */
const PATHS = /["'`]((?:golden|real|faults|paper|hooks)\/[^"'`$]*)/g;
/** Names of files that are missing on purpose. */
const NOWHERE = /no-such|nothing|missing/;

const READERS = /\bshared(Bytes|Json|Url)\(/;

test("each test that reads reference data finds it in the clone, or guards itself", () => {
  const files = filesBelow("test").filter((name) => name.endsWith(".test.ts"));
  const readers = files.filter((name) => READERS.test(readSource(name)) && !GUARDS.test(readSource(name)));
  expect(readers.length).toBeGreaterThan(10);
  const lost = readers.flatMap((file) =>
    [...readSource(file).matchAll(PATHS)]
      .map(([, path]) => path!)
      .filter((path) => !NOWHERE.test(path) && !existsSync(join(projectRoot, "test", path)))
      .map((path) => `${file}: ${path}`),
  );
  expect(lost).toEqual([]);
});
