/** The table of families in docs/families.md: as `node tools/families.mjs` writes it, with every family of the registry. */
import { expect, test } from "vitest";
import { familyNames } from "../../src/families/registry.ts";
import { withTable } from "../../tools/family-table.ts";
import { readSource } from "../support/sources.ts";

test("the page has the table that `node tools/families.mjs` writes", () => {
  const page = readSource("docs/families.md");
  expect(withTable(page)).toBe(page);
});

test("the page has one line for each family of the registry", () => {
  const names = [...readSource("docs/families.md").matchAll(/^\| `([\w-]+)` \|.*\| (?:yes|no) \|$/gm)].map(
    ([, name]) => name,
  );
  expect(names).toEqual(familyNames());
});

test("is not written into a page without its markers", () => {
  expect(() => withTable("# Fovea\n")).toThrow(/families\.md needs <!-- families/);
});
