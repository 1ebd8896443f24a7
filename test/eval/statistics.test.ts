/** Standard errors: those of known formulas where they apply, and those of pictures where answers hang together. */
import { expect, test } from "vitest";
import { estimate, mcnemar, pairedDifference, proportion, type Sample } from "../../eval/statistics.ts";

/** One answer per picture. */
function single(values: number[]): Sample[] {
  return values.map((value, i) => ({ cluster: String(i), value }));
}

test("one answer per picture: the binomial error", () => {
  const { mean, error, count } = estimate(single([1, 1, 1, 0, 1, 0, 1, 1, 0, 1]));
  expect({ mean, count }).toEqual({ mean: 0.7, count: 10 });
  expect(error).toBeCloseTo(Math.sqrt((0.7 * 0.3) / 9), 12);
});

test("answers that are copies of each other count once", () => {
  const few = [1, 0, 1, 1, 0];
  const copies = few.flatMap((value, i) => Array.from({ length: 4 }, () => ({ cluster: String(i), value })));
  const once = estimate(single(few));
  expect(estimate(copies)).toEqual({ ...once, count: 20, error: expect.closeTo(once.error, 12) });
});

test("what one picture gains and loses cancels out", () => {
  const samples = ["a", "b", "c"].flatMap((cluster) => [1, 0].map((value) => ({ cluster, value })));
  expect(estimate(samples)).toEqual({ mean: 0.5, error: 0, count: 6 });
});

test("one picture has no error, and nothing has no mean", () => {
  expect(estimate([{ cluster: "a", value: 1 }]).error).toBeNaN();
  expect(estimate([])).toEqual({ mean: Number.NaN, error: Number.NaN, count: 0 });
});

test("a share of all or none has an error above 0", () => {
  for (const value of [0, 1]) {
    const { mean, error } = proportion(single(Array(25).fill(value)));
    expect(mean).toBe(value);
    expect(error).toBeCloseTo(Math.sqrt((26 / 27) * (1 / 27)) / 5, 12);
  }
  const some = single([1, 0, 1]);
  expect(proportion(some)).toEqual(estimate(some));
});

test("a difference is taken question by question", () => {
  const scores = (values: number[]) => new Map(values.map((value, i) => [`q${i}`, { cluster: `p${i}`, value }]));
  const before = scores([1, 1, 0, 0, 1, 0]);
  const after = scores([1, 1, 1, 0, 1, 0]);
  const { mean, error, count } = pairedDifference(after, before);
  expect({ mean, count }).toEqual({ mean: 1 / 6, count: 6 });
  expect(error).toBeLessThan(estimate([...after.values()]).error);
  expect(pairedDifference(before, before)).toEqual({ mean: 0, error: 0, count: 6 });
  expect(pairedDifference(before, after).mean).toBeCloseTo(-1 / 6, 12);
});

test("a difference leaves out what only one was asked", () => {
  const one = new Map([["q0", { cluster: "a", value: 1 }]]);
  const two = new Map([...one, ["q1", { cluster: "b", value: 0 }]]);
  expect(pairedDifference(two, one).count).toBe(1);
  expect(pairedDifference(new Map(), one).count).toBe(0);
});

test.for([
  // By hand: twice the tail of a fair coin.
  [0, 0, 1],
  [1, 0, 1],
  [5, 0, 2 / 32],
  [1, 7, (2 * (1 + 8)) / 256],
  [3, 3, 1],
  [10, 2, (2 * (1 + 12 + 66)) / 4096],
] as const)("McNemar's test: %d better and %d worse have p = %d", ([better, worse, p]) => {
  expect(mcnemar(better, worse)).toBeCloseTo(p, 12);
  expect(mcnemar(worse, better)).toBeCloseTo(p, 12);
});

test("McNemar's test works for thousands of questions", () => {
  expect(mcnemar(5000, 5000)).toBeCloseTo(1, 2);
  expect(mcnemar(2000, 2200)).toBeCloseTo(0.00213, 4);
});
