/** Comparison of long arrays of bytes, for which the test runner's own takes seconds. */
import { expect } from "vitest";

/** Fails at the first byte that differs, or for another length. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  const first = expected.findIndex((byte, i) => actual[i] !== byte);
  if (first >= 0) expect.fail(`byte ${first} is ${actual[first]}, not ${expected[first]}`);
}
