/** The page's suggested models: their names, and the sizes that the page tells. */
import { expect, test } from "vitest";
import suggested from "../../src/app/suggested-models.json" with { type: "json" };
import { sourceName } from "../../src/shared/source.ts";
import { sizedModels } from "../../tools/suggested-models.ts";

test("names are those of a hub", () => {
  for (const { name, small } of suggested) {
    expect(sourceName(name)).toBe(`hf:${name}`);
    if (small) expect(sourceName(small)).toBe(`hf:${small}`);
  }
});

test("sizes are what planModel says of the published tensors; `node tools/suggested-models.mjs` writes them", () => {
  expect(suggested.length).toBeGreaterThan(8);
  expect(suggested).toEqual(sizedModels);
});
