import { describe, test } from "vitest";
import { pool } from "../../src/kernels/pool.ts";
import { pool as reference } from "../reference/pool.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("pool", () => {
  const { gpu } = useGpu();

  // Factors that divide the grid, that leave a rest, and that exceed it.
  test.for([
    { grid: 1, factor: 2, width: 1, first: 1 },
    { grid: 8, factor: 2, width: 65, first: 0 },
    { grid: 7, factor: 3, width: 64, first: 1 },
    { grid: 5, factor: 9, width: 10, first: 1 },
  ])("grid of $grid by $factor", async ({ grid, factor, width, first }) => {
    const values = freshRandom("pool").floats((first + grid * grid) * width);
    const side = Math.ceil(grid / factor);
    const x = inputTensor(gpu(), [first + grid * grid, width], values);
    const y = outputTensor(gpu(), [first + side * side, width]);
    const actual = await runAndRead(gpu(), y, (recorder) => pool(recorder, { x, y, grid, factor, first }));
    const expected = [...values.subarray(0, first * width), ...reference(values.subarray(first * width), grid, factor)];
    expectNmse("averages", actual, expected, NMSE_PRODUCT);
  });
});
