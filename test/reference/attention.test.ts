/** Properties of the attention reference that the golden models do not single out. */
import { describe, expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { freshRandom } from "../support/random.ts";
import { attention } from "./attention.ts";
import { causal } from "./visible.ts";

const shape = { heads: 4, keyHeads: 2, headWidth: 3 };

function inputs(rows: number, keys: number) {
  const random = freshRandom("attention");
  return {
    q: random.floats(rows * shape.heads * shape.headWidth),
    k: random.floats(keys * shape.keyHeads * shape.headWidth),
    v: random.floats(keys * shape.keyHeads * shape.headWidth),
  };
}

describe("attention", () => {
  test("by hand: two keys with logits ln 3 and 0", () => {
    const one = { heads: 1, keyHeads: 1, headWidth: 1 };
    const { output, logSumExp } = attention([1], [Math.log(3), 0], [10, 20], one);
    expect(output[0]).toBeCloseTo(12.5, 12);
    expect(logSumExp[0]).toBeCloseTo(Math.log(4), 12);
  });

  test("query heads 0, 1 read key head 0, and 2, 3 key head 1", () => {
    const { q, k, v } = inputs(2, 5);
    const grouped = attention(q, k, v, shape);
    const repeat = (x: Float32Array) =>
      Array.from({ length: 5 * 4 * 3 }, (_, i) => x[Math.floor(i / 12) * 6 + Math.floor((i % 12) / 6) * 3 + (i % 3)]!);
    const full = attention(q, repeat(k), repeat(v), { ...shape, keyHeads: 4 });
    expect(grouped.output).toEqual(full.output);
  });

  test("a row's range equals attention over those keys alone; it ends with the keys", () => {
    const { q, k, v } = inputs(2, 6);
    const of = (t: number, start: number, end: number) =>
      attention(q.subarray(12 * t, 12 * t + 12), k.subarray(6 * start, 6 * end), v.subarray(6 * start, 6 * end), shape);
    for (const visible of [causal(2, 3), [2, 5, 1, 6], [0, 6, 5, 100]]) {
      const { output, logSumExp } = attention(q, k, v, shape, { visible });
      const rows = [of(0, visible[0]!, visible[1]!), of(1, visible[2]!, Math.min(6, visible[3]!))];
      expect(output).toEqual(Float64Array.from(rows.flatMap((row) => [...row.output])));
      expect(logSumExp).toEqual(Float64Array.from(rows.flatMap((row) => [...row.logSumExp])));
    }
  });

  test("an empty range gives zeros and a log-sum-exp of -Infinity", () => {
    const { q, k, v } = inputs(3, 4);
    const { output, logSumExp } = attention(q, k, v, shape, { visible: [2, 2, 3, 1, 4, 9] });
    expect(output.every((value) => value === 0)).toBe(true);
    expect(logSumExp.every((sum) => sum === Number.NEGATIVE_INFINITY)).toBe(true);
  });

  test("inhibition is the same as setting weights to zero and dividing by what is left", () => {
    const { q, k, v } = inputs(1, 4);
    const inhibited = attention(q, k, v, shape, { inhibited: [0, 1, 0, 1] });
    const [left0, left2] = [0, 2].map((s) =>
      attention(q, k.subarray(s * 6, s * 6 + 6), v.subarray(s * 6, s * 6 + 6), shape),
    );
    for (let h = 0; h < 4; h++) {
      const [a, b] = [Math.exp(left0!.logSumExp[h]!), Math.exp(left2!.logSumExp[h]!)];
      const expected = [0, 1, 2].map((d) => (a * left0!.output[h * 3 + d]! + b * left2!.output[h * 3 + d]!) / (a + b));
      expectClose("head", inhibited.output.slice(h * 3, h * 3 + 3), expected, 1e-12, 1e-14);
    }
  });

  test("a head whose whole mass is inhibited takes what is left, and no NaN", () => {
    const one = { heads: 1, keyHeads: 1, headWidth: 1 };
    const { output } = attention([1], [5000, 0], [1, 7], one, { inhibited: [1, 0] });
    expect(output[0]).toBe(7);
    const nothing = attention([1], [5000, 0], [1, 7], one, { inhibited: [1, 1] });
    expect([nothing.output[0], nothing.logSumExp[0]]).toEqual([0, Number.NEGATIVE_INFINITY]);
  });
});
