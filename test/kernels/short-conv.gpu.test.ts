import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { shortConv } from "../../src/kernels/short-conv.ts";
import { shortConv as reference } from "../reference/short-conv.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("short-conv", () => {
  const { gpu } = useGpu();

  // [T, W, taps, rows of the first chunk]: the second chunk reads the state of the first, of one row or of several.
  test.for([
    [1, 1, 3, 1],
    [7, 5, 3, 7],
    [7, 72, 3, 1],
    [7, 64, 3, 2],
    [9, 65, 4, 8],
    [5, 130, 2, 3],
    [3, 8, 1, 2],
  ])("%i rows of %i, %i taps, cut at %i", async ([rows = 0, width = 0, taps = 0, cut = 0]) => {
    const random = freshRandom("short-conv");
    const values = random.floats(rows * 3 * width);
    const weights = random.floats(width * taps);
    const expected = reference(values, weights, width);
    const weight = inputTensor(gpu(), [width, taps], weights);
    const state = outputTensor(gpu(), [rows + 1, width]);
    for (const [first, end] of [
      [0, cut],
      [cut, rows],
    ] as const) {
      const count = end - first;
      if (count === 0) continue;
      const bcx = inputTensor(gpu(), [count, 3 * width], values.subarray(first * 3 * width, end * 3 * width));
      const y = outputTensor(gpu(), [count, width]);
      const found = await runAndRead(gpu(), y, (pass) => shortConv(pass, { bcx, weight, state, y, firstRow: first }));
      expectNmse("y", found, expected.y.subarray(first * width, end * width), NMSE_PRODUCT);
    }
    const kept = await readFloats(gpu(), state);
    expectNmse("state", kept.subarray(0, rows * width), expected.state, NMSE_PRODUCT);
    expect(kept.subarray(rows * width).every(Number.isNaN), "a row that is not this call's").toBe(true);
  });

  test("a state of fewer rows than the sequence", async () => {
    const [rows, width, taps, stateRows] = [23, 6, 3, 7];
    const random = freshRandom("short-conv");
    const [values, weights] = [random.floats(rows * 3 * width), random.floats(width * taps)];
    const expected = reference(values, weights, width);
    const weight = inputTensor(gpu(), [width, taps], weights);
    const state = outputTensor(gpu(), [stateRows, width]);
    const run = async (first: number, end: number) => {
      const bcx = inputTensor(gpu(), [end - first, 3 * width], values.subarray(first * 3 * width, end * 3 * width));
      const y = outputTensor(gpu(), [end - first, width]);
      const found = await runAndRead(gpu(), y, (pass) => shortConv(pass, { bcx, weight, state, y, firstRow: first }));
      expectNmse(`rows ${first} to ${end}`, found, expected.y.subarray(first * width, end * width), NMSE_PRODUCT);
    };
    for (const [first, end] of [
      [0, 5],
      [5, 10],
      [10, 11],
      [11, 12],
      [12, 17],
      [17, 22],
    ] as const)
      await run(first, end);
    // Back by as many rows as are kept beside the two that are read.
    await run(17, 18);
    await run(18, 23);
  });

  test("rows that do not fit are refused", () => {
    const tensor = (...shape: number[]) => outputTensor(gpu(), shape);
    const args = { bcx: tensor(2, 6), weight: tensor(2, 3), state: tensor(3, 2), y: tensor(2, 2) };
    expect(() => gpu().submit("test", (pass) => shortConv(pass, { ...args, firstRow: 3 }))).toThrow(
      "2 rows at 3, a state of 3",
    );
  });
});
