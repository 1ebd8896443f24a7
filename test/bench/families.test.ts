/** The models of the benchmark of families: one each, of those that have a published description. */
import { expect, test } from "vitest";
import { familyModels } from "../../bench/parts/family-models.ts";

test("each family once, and the reference for its own", () => {
  const { reference, models } = familyModels("tiny-llava-v1-hf");
  expect(reference.family).toBe("llava");
  const names = models.map(({ family }) => family);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(25);
  expect(models.filter(({ spec }) => spec.encoder).length).toBeGreaterThan(10);
  expect(models.filter(({ spec }) => spec.decoder).length).toBeGreaterThan(20);
});
