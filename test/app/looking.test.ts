import { expect, test } from "vitest";
import type { AnswerAttention } from "../../src/api.ts";
import { lookAt, tokensOfText } from "../../src/app/logic/looking.ts";

/** Two tokens over three columns, in two layers. */
const attention: AnswerAttention = {
  ends: Uint32Array.from([3, 8]),
  layers: [layer([1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 0]), layer([3, 2, 1, 0, 0, 10], [1, 0, 0, 0, 1, 1])],
};

function layer(focus: number[], inhibited: number[]): AnswerAttention["layers"][number] {
  const data = Float32Array.from(focus);
  return { layer: 0, ratio: 0.5, focus: { data, rows: 2, cols: 3 }, inhibited: Uint8Array.from(inhibited) };
}

test("a range of text has the tokens that wrote a part of it", () => {
  expect(tokensOfText([3, 8, 8, 12], { start: 0, end: 3 })).toEqual([0]);
  expect(tokensOfText([3, 8, 8, 12], { start: 2, end: 4 })).toEqual([0, 1]);
  expect(tokensOfText([3, 8, 8, 12], { start: 9, end: 12 })).toEqual([3]);
});

test("one layer, one token: the most looked at is 1", () => {
  const { heat, inhibited } = lookAt(attention, [1], 1, { start: 0, end: 3 });
  expect([...heat]).toEqual([0, 0, 1]);
  expect([...inhibited]).toEqual([0, 1, 1]);
});

test("all layers and several tokens are averaged, over the columns of one picture", () => {
  const { heat, inhibited } = lookAt(attention, [0, 1], "all", { start: 1, end: 3 });
  // Means of 2, 2, 5, 0 and of 3, 1, 6, 10.
  expect(heat[0]).toBeCloseTo(9 / 20);
  expect(heat[1]).toBe(1);
  expect([...inhibited]).toEqual([0.25, 0.25]);
});

test("nothing looked at is no heat", () => {
  const still = { ...attention, layers: [layer([0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0])] };
  expect([...lookAt(still, [0], "all", { start: 0, end: 3 }).heat]).toEqual([0, 0, 0]);
});
