/** What the two kernels of A leave, compared with the reference. */
import { expect } from "vitest";
import type { Sight } from "../../src/model/inhibition/index-tables.ts";
import { expectNmse } from "./compare.ts";
import { NMSE_PRODUCT } from "./tolerances.ts";

interface Found {
  sight: Sight;
  firstViewer: number;
  viewers: number;
  neighbours: ArrayLike<number>; // [viewers, firstViewer + viewers], NaN where nothing was written
  imageAttention: ArrayLike<number>; // packed, the same
}

/** @param expectedOf what a row pays to a key, by their rows in the sequence */
export function expectHeadMean(
  { sight, firstViewer, viewers, neighbours, imageAttention }: Found,
  expectedOf: (row: number, key: number) => number,
): void {
  const total = firstViewer + viewers;
  const pairs: { found: number; expected: number }[] = [];
  for (let j = 0; j < viewers; j++) {
    const viewer = firstViewer + j;
    const row = sight.viewerRows[viewer]!;
    for (let h = 0; h < total; h++) {
      const value = neighbours[j * total + h]!;
      if (h < viewer) pairs.push({ found: value, expected: expectedOf(row, sight.viewerRows[h]!) });
      else expect(value, `viewer ${viewer} to ${h}`).toBeNaN();
    }
    const start = sight.starts[viewer]!;
    for (let at = start; at < sight.starts[viewer + 1]!; at++)
      pairs.push({ found: imageAttention[at]!, expected: expectedOf(row, sight.columnRows[at - start]!) });
  }
  expectNmse(
    "head mean",
    pairs.map((pair) => pair.found),
    pairs.map((pair) => pair.expected),
    NMSE_PRODUCT,
  );
  // Neither earlier viewers' places nor later ones' are touched.
  const others = Array.from(imageAttention).filter(
    (_, at) => at < sight.starts[firstViewer]! || at >= sight.starts[total]!,
  );
  expect(others.every(Number.isNaN)).toBe(true);
}
