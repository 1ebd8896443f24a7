import { describe, test } from "vitest";
import { mixRows } from "../../src/kernels/mix-rows.ts";
import { mixRows as reference } from "../reference/mix-rows.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";
import { makeViews } from "../support/views.ts";

describe("mix-rows", () => {
  const { gpu } = useGpu();

  test.for([
    { from: 1, rows: 1, taps: 1, width: 1, accumulate: false },
    { from: 9, rows: 13, taps: 4, width: 65, accumulate: false },
    { from: 9, rows: 13, taps: 4, width: 64, accumulate: true },
    { from: 40, rows: 3, taps: 1, width: 200, accumulate: true },
    { from: 9, rows: 13, taps: 4, width: 65, accumulate: true, first: 3 },
  ])("$rows rows of $taps of $from rows of $width, accumulate $accumulate", async (shape) => {
    const { from, rows, taps, width, accumulate, first = 0 } = shape;
    const random = freshRandom("mix-rows");
    const values = random.floats(from * width);
    const chosen = makeViews(rows * taps, () => random.integer(0, from - 1 - first));
    // The last weight of a row is 0, but where it is the only one.
    const factors = random.floats(rows * taps).map((factor, i) => (taps > 1 && i % taps === taps - 1 ? 0 : factor));
    const before = accumulate ? random.floats(rows * width) : new Float32Array(rows * width);
    const x = inputTensor(gpu(), [from, width], values);
    const sources = inputTensor(gpu(), [rows, taps], chosen, "u32");
    const weights = inputTensor(gpu(), [rows, taps], factors);
    const y = accumulate ? inputTensor(gpu(), [rows, width], before) : outputTensor(gpu(), [rows, width]);
    const expected = reference(values, chosen, factors, before, { taps, width, first });
    const args = { x, sources, weights, y, accumulate, first };
    expectNmse("sums", await runAndRead(gpu(), y, (recorder) => mixRows(recorder, args)), expected, NMSE_PRODUCT);
  });

  test("reads no row whose weight is 0", async () => {
    const x = inputTensor(gpu(), [2, 1], [Number.NaN, 3]);
    const sources = inputTensor(gpu(), [2, 2], [0, 1, 1, 0], "u32");
    const weights = inputTensor(gpu(), [2, 2], [0, 2, 0, 0]);
    const y = outputTensor(gpu(), [2, 1]);
    const args = { x, sources, weights, y, accumulate: false };
    expectNmse("sums", await runAndRead(gpu(), y, (recorder) => mixRows(recorder, args)), [6, 0], NMSE_PRODUCT);
  });
});
