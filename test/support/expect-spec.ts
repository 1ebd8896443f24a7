/** Compares descriptions of models. */
import { expect } from "vitest";

/** Equal but for the rounding of numbers to f32, in which metadata stores them. Functions are not compared. */
export function expectSpec(actual: unknown, expected: unknown, path = "decoder"): void {
  if (typeof expected === "number") {
    const error = Math.abs((actual as number) - expected);
    expect(error <= 1e-6 * Math.abs(expected), `${path}: ${actual} and ${expected}`).toBe(true);
  } else if (typeof expected === "object" && expected !== null) {
    expect(typeof actual, path).toBe("object");
    expect(Object.keys(actual as object).sort(), path).toEqual(Object.keys(expected).sort());
    for (const [key, value] of Object.entries(expected)) {
      if (typeof value === "function") continue;
      expectSpec((actual as Record<string, unknown>)[key], value, `${path}.${key}`);
    }
  } else expect(actual, path).toBe(expected);
}
