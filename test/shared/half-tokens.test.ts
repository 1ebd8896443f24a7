/** The estimate of what half of the image tokens would save, against plain sums. */
import { expect, test } from "vitest";
import { savingOfHalf } from "../../src/shared/half-tokens.ts";

type Cost = Parameters<typeof savingOfHalf>[0];

/** A picture of 600 tokens in a prompt of 800. */
function cost(visionMs: number, prefillMs: number, more: Partial<Cost> = {}): Cost {
  const pictures = [{ tokensBefore: 600, tokensAfter: 600, reused: false }];
  return { pictures, promptTokens: 800, visionMs, prefillMs, ...more };
}

test.for([
  // (1 + 0.794 + 0.630 + 0.5) / 4 of the encoder stays: 27 % goes.
  [cost(1000, 0), 25],
  // 300 of 800 rows of the prompt go: 37.5 %.
  [cost(0, 1000), 40],
  // 0.27 * 600 + 0.375 * 200 = 236 of 800 ms.
  [cost(600, 200), 30],
  // 300 of 2900 rows, then of 3100.
  [cost(0, 1000, { promptTokens: 2900 }), 10],
  [cost(0, 1000, { promptTokens: 3100 }), undefined],
  [cost(0, 0), undefined],
] as const)("of %j saves %s %%", ([of, percent]) => expect(savingOfHalf(of)).toBe(percent));

test("without a picture, or with a compressed one, there is nothing to promise", () => {
  expect(savingOfHalf(cost(1000, 1000, { pictures: [] }))).toBeUndefined();
  const [whole] = cost(0, 0).pictures;
  expect(savingOfHalf(cost(1000, 1000, { pictures: [{ ...whole!, tokensAfter: 599 }] }))).toBeUndefined();
});

test("pictures of earlier questions do not count", () => {
  const [whole] = cost(0, 0).pictures;
  const reused = { ...whole!, reused: true };
  expect(savingOfHalf(cost(2, 10, { pictures: [reused] }))).toBeUndefined();
  // 600 of 1600 rows are new.
  expect(savingOfHalf(cost(0, 1000, { pictures: [reused, whole!], promptTokens: 1600 }))).toBe(20);
});
