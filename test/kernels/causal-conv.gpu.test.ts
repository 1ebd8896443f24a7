import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { causalConv } from "../../src/kernels/causal-conv.ts";
import { causalConv as reference } from "../reference/causal-conv.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("causal-conv", () => {
  const { gpu } = useGpu();

  // [T, C, taps, further channels, ends of chunks]: below, on and off the block of 16; chunks shorter than the state.
  test.for<[number, number, number, number, number[]]>([
    [1, 1, 4, 0, []],
    [7, 5, 4, 3, [1, 2]],
    [16, 64, 4, 0, [3]],
    [40, 72, 4, 10, [17, 33]],
    [33, 65, 2, 1, [32]],
    [5, 9, 1, 0, [2]],
    [12, 130, 7, 2, [1, 2, 3, 4, 5]],
  ])("%i rows of %i, %i taps, %i more channels, cut at %j", async ([rows, width, taps, more, cuts]) => {
    const random = freshRandom("causal-conv");
    const stride = width + more;
    const values = random.floats(rows * stride);
    const weights = random.floats(width * taps);
    const x = Float32Array.from(
      { length: rows * width },
      (_, i) => values[Math.floor(i / width) * stride + (i % width)]!,
    );
    const expected = reference(x, weights, width);
    const weight = inputTensor(gpu(), [width, taps], weights);
    const size = (taps - 1) * width;
    // Two states beside each other: each chunk reads one and writes the other.
    const state = outputTensor(gpu(), [2 * size + 1]);
    let first = 0;
    for (const [i, end] of [...cuts, rows].entries()) {
      const chunk = inputTensor(gpu(), [end - first, stride], values.subarray(first * stride, end * stride));
      const y = outputTensor(gpu(), [end - first, width]);
      const places = { from: i === 0 ? undefined : ((i + 1) % 2) * size, to: (i % 2) * size };
      const found = await runAndRead(gpu(), y, (pass) => causalConv(pass, { x: chunk, weight, state, places, y }));
      expectNmse(`rows ${first} to ${end}`, found, expected.subarray(first * width, end * width), NMSE_PRODUCT);
      const kept = (await readFloats(gpu(), state)).subarray((i % 2) * size, (i % 2) * size + size);
      const padded = new Float32Array(size + rows * width);
      padded.set(x, size);
      expect([...kept]).toEqual([...padded.subarray(end * width, end * width + size)]);
      first = end;
    }
    expect((await readFloats(gpu(), state)).at(-1), "after the states").toBeNaN();
  });

  test("a state in place", async () => {
    const [width, taps] = [6, 4];
    const random = freshRandom("causal-conv");
    const [values, weights] = [random.floats(9 * width), random.floats(width * taps)];
    const expected = reference(values, weights, width);
    const state = outputTensor(gpu(), [(taps - 1) * width]);
    const weight = inputTensor(gpu(), [width, taps], weights);
    for (const [first, end] of [
      [0, 4],
      [4, 5],
      [5, 7],
      [7, 9],
    ] as const) {
      const x = inputTensor(gpu(), [end - first, width], values.subarray(first * width, end * width));
      const y = outputTensor(gpu(), [end - first, width]);
      const places = { from: first === 0 ? undefined : 0, to: 0 };
      const found = await runAndRead(gpu(), y, (pass) => causalConv(pass, { x, weight, state, places, y }));
      expectNmse(`rows from ${first}`, found, expected.subarray(first * width, end * width), NMSE_PRODUCT);
    }
  });

  test("a state outside its tensor is refused", () => {
    const tensor = (...shape: number[]) => outputTensor(gpu(), shape);
    const args = { x: tensor(2, 2), weight: tensor(2, 4), state: tensor(2, 6), y: tensor(2, 2) };
    const run = () => gpu().submit("test", (pass) => causalConv(pass, { ...args, places: { from: 0, to: 7 } }));
    expect(run).toThrow("a state to 13 in [2,6]");
  });
});
