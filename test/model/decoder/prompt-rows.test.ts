/** Prompts as rows: where pictures stand, which position the text after them has, and ids that are no tokens. */
import { describe, expect, test } from "vitest";
import type { Tensor } from "../../../src/gpu/tensor.ts";
import { NO_TOKEN } from "../../../src/kernels/token-embed.ts";
import { expandPlaceholders, imageRuns, promptRows } from "../../../src/model/decoder/prompt-rows.ts";

const MODEL = { vocabularySize: 10 };
const PLACEHOLDER = 9;
const tensor = {} as Tensor;
const run = (count: number, first = 0) => ({ tensor, first, count });

describe("the position after a picture", () => {
  test("is contiguous where the picture's rows have no place", () => {
    const placed = expandPlaceholders([1, 9, 2, 3], [3], PLACEHOLDER);
    const { ids, positions, nextPosition } = promptRows(placed, [{ runs: [run(3)] }], MODEL);
    expect([...ids]).toEqual([1, NO_TOKEN, NO_TOKEN, NO_TOKEN, 2, 3]);
    expect([...positions]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(nextPosition).toBe(6);
  });

  test.for([
    { first: 0, next: 17 },
    { first: 1, next: 18 },
  ])("is after the whole grid and $first class tokens with original positions", ({ first, next }) => {
    const placed = expandPlaceholders([1, 9, 2], [3 + first], PLACEHOLDER);
    const picture = { runs: [run(3 + first)], placed: { owners: tensor, first, cells: 16 } };
    const { positions, nextPosition } = promptRows(placed, [picture], MODEL);
    // The class token has its own position; those of the cells are on the GPU, and 0 here.
    expect([...positions]).toEqual([0, ...(first ? [1] : []), 0, 0, 0, next]);
    expect(nextPosition).toBe(next + 1);
  });
});

test("pictures of several runs stand where the ids say, with text between", () => {
  const placed = {
    ids: [1, 9, 9, 2, 9, 3, 9],
    pictures: [
      [
        { start: 1, count: 2 },
        { start: 4, count: 1 },
      ],
      [{ start: 6, count: 1 }],
    ],
  };
  const rows = promptRows(placed, [{ runs: [run(2, 4), run(1, 6)] }, { runs: [run(1)] }], MODEL);
  expect([...rows.ids]).toEqual([1, NO_TOKEN, NO_TOKEN, 2, NO_TOKEN, 3, NO_TOKEN]);
  expect([...rows.positions]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(rows.pictures.map((runs) => runs.map(({ row, position, first }) => [row, position, first]))).toEqual([
    [
      [1, 1, 4],
      [4, 4, 6],
    ],
    [[6, 6, 0]],
  ]);
  expect(imageRuns(rows)).toEqual([
    [
      { row: 1, tokens: 2 },
      { row: 4, tokens: 1 },
    ],
    [{ row: 6, tokens: 1 }],
  ]);
});

test("ids outside the vocabulary, a missing picture and an empty prompt are refused", () => {
  const text = (ids: number[]) => promptRows({ ids, pictures: [] }, [], MODEL);
  // -1 is what marks a picture's row once it is unsigned.
  for (const id of [-1, 10, 1.5, Number.NaN, NO_TOKEN]) expect(() => text([1, id])).toThrow(RangeError);
  expect(() => text([])).toThrow(TypeError);
  expect(() => expandPlaceholders([1, 9, 9], [3], PLACEHOLDER)).toThrow(/2 image placeholders \(id 9\) for 1 images/);
  // A hole is no placeholder of a model without one.
  // biome-ignore lint/suspicious/noSparseArray: a caller may hand one in
  expect(() => expandPlaceholders([1, , 2] as number[], [3], undefined)).toThrow(TypeError);
});
