/** The benchmark of pictures of several views in a toy size: it runs, and its counts and bounds are right. */
import { beforeAll, describe, expect, test } from "vitest";
import { runPart } from "../../bench/parts/part.ts";
import type { Figure } from "../../bench/parts/result.ts";
import { views } from "../../bench/parts/views.ts";

let figures: Map<string, Figure>;
const value = (id: string) => figures.get(id)?.value ?? Number.NaN;

beforeAll(async () => {
  const result = await runPart("views", views, { size: "tiny" });
  figures = new Map(result.figures.map((figure) => [figure.id, figure]));
});

describe("views", () => {
  test("every figure is a positive number with a unit", () => {
    for (const { id, value, unit } of figures.values()) {
      expect(value, id).toBeGreaterThan(0);
      expect(unit, id).not.toBe("");
    }
  });

  test("a batch takes the dispatches of one view, views one by one take them for each", () => {
    const one = value("views.batches-1.dispatches");
    expect(value("views.batches-5.dispatches")).toBe(one);
    expect(value("views.single-5.dispatches")).toBe(5 * one);
    expect(value("views.single-13.dispatches")).toBe(13 * one);
    expect(value("views.single-13.fewer-dispatches")).toBe(13);
  });

  test("views one by one take less memory", () => {
    expect(value("views.single-13.memory")).toBeLessThan(value("views.batches-13.memory"));
  });

  test("a ratio comes with what the arithmetic allows", () => {
    expect(figures.get("views.vmtc-50-5")?.note).toMatch(/^the arithmetic allows 1\.\d\dx at this depth, 1\.\d\dx/);
    expect(figures.get("views.batches-5.ms")?.note).toMatch(
      /^1 of 4 blocks, 1 of 2 layers; encoder to decoder 3\.\d : 1/,
    );
    // Times of a toy say nothing about the share itself, so only its arithmetic is compared.
    const stages = value("views.stages-5");
    const rest = Math.max(0, value("views.vmtc-50-5.encoder") - stages);
    const growth = Number(figures.get("views.stages-5.share")?.note?.match(/at (\d\.\d\d) times/)?.[1]);
    expect(value("views.stages-5.share") / ((100 * stages) / (rest * growth + stages))).toBeCloseTo(1, 1);
  });
});
