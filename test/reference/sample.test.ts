/** The sampling reference on distributions that can be worked out by hand. */
import { describe, expect, test } from "vitest";
import { sampleDistribution } from "./sample.ts";

/** Logits whose softmax at temperature 1 is 0.5, 0.25, 0.125, 0.125. */
const logits = [0.5, 0.25, 0.125, 0.125].map(Math.log);

function rounded(options: Parameters<typeof sampleDistribution>[1], from: number[] = logits) {
  return sampleDistribution(from, options).map(({ id, probability }) => [id, Number(probability.toFixed(10))]);
}

describe("sampling", () => {
  test("keeps all by default", () => {
    expect(rounded({ temperature: 1 })).toEqual([
      [0, 0.5],
      [1, 0.25],
      [2, 0.125],
      [3, 0.125],
    ]);
  });

  test("temperature 0 is greedy, the lower id of equals", () => {
    expect(rounded({ temperature: 0 }, [1, 3, 3])).toEqual([[1, 1]]);
  });

  test("temperature divides the logits", () => {
    // Squares of the probabilities, normalised: 16, 4, 1, 1 of 22.
    expect(rounded({ temperature: 0.5 })[0]).toEqual([0, Number((16 / 22).toFixed(10))]);
  });

  test("top-k keeps what ties with the last", () => {
    expect(rounded({ temperature: 1, topK: 2 }).map(([id]) => id)).toEqual([0, 1]);
    expect(rounded({ temperature: 1, topK: 3 }).map(([id]) => id)).toEqual([0, 1, 2, 3]);
  });

  test.for([
    [0.4, [0]],
    [0.6, [0, 1]],
    [0.8, [0, 1, 2]],
    [1, [0, 1, 2, 3]],
    [0, [0]],
  ] as const)("top-p %d keeps the smallest set that reaches it", ([topP, ids]) => {
    expect(rounded({ temperature: 1, topP }).map(([id]) => id)).toEqual(ids);
  });

  test("top-p that is reached exactly needs no more", () => {
    expect(rounded({ temperature: 1, topP: 0.5 }, [0, 0])).toEqual([[0, 1]]);
  });

  test("top-p counts probabilities after top-k", () => {
    // Of the two kept, the first has 2/3.
    expect(rounded({ temperature: 1, topK: 2, topP: 0.6 })).toEqual([[0, 1]]);
  });

  test("top-p counts probabilities after temperature", () => {
    expect(rounded({ temperature: 0.5, topP: 0.7 })).toEqual([[0, 1]]);
  });

  test("repetition penalty divides positive and multiplies negative logits, once an id", () => {
    const kept = sampleDistribution([2, -1, 0], { temperature: 1, repetitionPenalty: 2, seen: [0, 1, 0, 1] });
    const weights = [Math.exp(1), Math.exp(-2), 1];
    const sum = weights.reduce((a, b) => a + b);
    expect(kept.map(({ id }) => id)).toEqual([0, 2, 1]);
    expect(kept[0]!.probability).toBeCloseTo(weights[0]! / sum, 14);
    expect(kept[2]!.probability).toBeCloseTo(weights[1]! / sum, 14);
  });

  test("banned ids are never kept", () => {
    expect(rounded({ temperature: 0, banned: [0] })).toEqual([[1, 1]]);
    expect(rounded({ temperature: 1, banned: [0, 1] }).map(([id]) => id)).toEqual([2, 3]);
  });
});
