/** The README's table of families: as `node tools/families.mjs` writes it, with every family of the registry. */
import { expect, test } from "vitest";
import { familyNames } from "../../src/families/registry.ts";
import { withTable } from "../../tools/family-table.ts";
import { readSource } from "../support/sources.ts";

test("the README has the table that `node tools/families.mjs` writes", () => {
  const readme = readSource("README.md");
  expect(withTable(readme)).toBe(readme);
});

test("the README has one line for each family of the registry", () => {
  const names = [...readSource("README.md").matchAll(/^\| `(\w+)` \|.*\| (?:yes|no) \|$/gm)].map(([, name]) => name);
  expect(names).toEqual(familyNames());
});

test("is not written into a README without its markers", () => {
  expect(() => withTable("# Fovea\n")).toThrow(/README\.md needs <!-- families/);
});
