/** The key ranges of common masks, by hand. */
import { expect, test } from "vitest";
import { batchOfViews, causal, pictureRuns, prefixLm, slidingWindow } from "./visible.ts";

test("key ranges of common masks", () => {
  expect(causal(3)).toEqual([0, 1, 0, 2, 0, 3]);
  expect(causal(2, 5)).toEqual([0, 6, 0, 7]);
  expect(slidingWindow(4, 2)).toEqual([0, 1, 0, 2, 1, 3, 2, 4]);
  expect(slidingWindow(2, 3, 4)).toEqual([2, 5, 3, 6]);
  expect(batchOfViews(2, 2)).toEqual([0, 2, 0, 2, 2, 4, 2, 4]);
  expect(prefixLm(4, 3)).toEqual([0, 3, 0, 3, 0, 3, 0, 4]);
  expect(pictureRuns(5, [[1, 3]])).toEqual([0, 1, 0, 3, 0, 3, 0, 4, 0, 5]);
});
