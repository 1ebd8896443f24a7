/** Comparison of numbers with a reference. */
import { expect } from "vitest";

/** Normalised mean squared error: the sum of squared differences over the sum of squares of the expected values. */
export function nmse(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let error = 0;
  let energy = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    energy += expected[i]! ** 2;
  }
  return energy === 0 ? error : error / energy;
}

/** Fails unless the NMSE is at most `limit`; a NaN fails too. */
export function expectNmse(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, limit: number): void {
  const found = nmse(actual, expected);
  expect(found <= limit, `${what}: NMSE ${found}, allowed ${limit}`).toBe(true);
}

/** Fails unless every value is within `relative` of the expected one, or `absolute` for values near zero. */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  relative: number,
  absolute = 0,
): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const allowed = Math.abs(expected[i]!) * relative + absolute;
    if (!(Math.abs(actual[i]! - expected[i]!) <= allowed))
      expect.fail(`${what}: element ${i} is ${actual[i]}, expected ${expected[i]} within ${allowed}`);
  }
}

/** Fails unless the largest difference is at most `limit` times the root mean square of the expected values. */
export function expectLargest(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  limit: number,
): void {
  let energy = 0;
  for (let i = 0; i < expected.length; i++) energy += expected[i]! ** 2;
  expectClose(what, actual, expected, 0, limit * Math.sqrt(energy / expected.length));
}
